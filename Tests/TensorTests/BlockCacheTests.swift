import Tensor
import Testing

@Suite struct BlockCacheTests {
    private static let large = 1 << 20
    private static let other = 2 << 20

    @Test func aBlockGivenIsTheNextTakenOfItsSize() {
        let cache = BlockCache(limit: 8 << 20)
        let first = cache.take(bytes: Self.large)
        cache.give(first, bytes: Self.large)
        #expect(cache.keptBytes == Self.large)
        let ofAnotherSize = cache.take(bytes: Self.other)
        #expect(cache.keptBytes == Self.large)
        let second = cache.take(bytes: Self.large)
        #expect(second == first)
        #expect(cache.keptBytes == 0)
        cache.give(ofAnotherSize, bytes: Self.other)
        cache.give(second, bytes: Self.large)
        cache.clear()
        #expect(cache.keptBytes == 0)
    }

    @Test func smallBlocksAreLeftToMalloc() {
        let cache = BlockCache(limit: 8 << 20)
        cache.give(cache.take(bytes: 4096), bytes: 4096)
        #expect(cache.keptBytes == 0)
    }

    /// One phase's sizes make room for the next one's, whichever was first.
    @Test func beyondTheLimitTheOldestGo() {
        let cache = BlockCache(limit: 4 << 20)
        let earlier = (0..<4).map { _ in cache.take(bytes: Self.large) }
        for block in earlier { cache.give(block, bytes: Self.large) }
        #expect(cache.keptBytes == 4 << 20)
        let later = cache.take(bytes: Self.other)
        cache.give(later, bytes: Self.other)
        #expect(cache.keptBytes == 4 << 20)
        // The two oldest went; the newest of each size comes first.
        let taken = [cache.take(bytes: Self.other), cache.take(bytes: Self.large), cache.take(bytes: Self.large)]
        #expect(taken == [later, earlier[3], earlier[2]])
        #expect(cache.keptBytes == 0)
        for (block, bytes) in zip(taken, [Self.other, Self.large, Self.large]) { cache.give(block, bytes: bytes) }
        cache.clear()
    }

    @Test func aBlockBeyondTheWholeLimitDrivesNothingOut() {
        let cache = BlockCache(limit: Self.large)
        cache.give(cache.take(bytes: Self.large), bytes: Self.large)
        cache.give(cache.take(bytes: Self.other), bytes: Self.other)
        #expect(cache.keptBytes == Self.large)
        cache.clear()
    }
}
