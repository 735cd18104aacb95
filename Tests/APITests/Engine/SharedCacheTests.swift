import API
import Basics
import Testing

@Suite struct SharedCacheTests {
    private typealias Cache = SharedCache<String, Int>
    private struct Failure: Error {}

    @Test func makesOnceAndThenRemembers() async throws {
        let cache = Cache(byteCapacity: 100)
        let first = try await cache.value(for: "a") { .init(1, byteCount: 10) }
        let second = try await cache.value(for: "a") { .init(2, byteCount: 10) }
        #expect(first.value == 1)
        #expect(first.outcome == .computed)
        #expect(second.value == 1)
        #expect(second.outcome == .cached)
        #expect(cache.statistics == .init(entries: 1, byteCount: 10, hits: 1, misses: 1))
    }

    @Test func dropsTheLeastRecentlyUsedBeyondItsBytes() async throws {
        let cache = Cache(byteCapacity: 30)
        for (value, key) in ["a", "b", "c"].enumerated() {
            _ = try await cache.value(for: key) { .init(value, byteCount: 10) }
        }
        #expect(cache.existing("a") == 0)
        _ = try await cache.value(for: "d") { .init(3, byteCount: 15) }
        #expect(cache.existing("a") == 0)
        #expect(cache.existing("b") == nil)
        #expect(cache.existing("c") == nil)
        #expect(cache.existing("d") == 3)
        #expect(cache.statistics.byteCount == 25)
        #expect(cache.statistics.evictions == 2)
    }

    /// What was deleted while its value was in the making is not kept.
    @Test func forgetsWhatWasBeingMadeAtADeletion() async throws {
        let cache = Cache(byteCapacity: 100)
        let made = try await cache.value(for: "a") {
            cache.remove { $0 == "a" }
            cache.remove { $0 == "b" }
            return .init(1, byteCount: 10)
        }
        #expect(made.value == 1 && cache.existing("a") == nil)
        #expect(cache.statistics.entries == 0 && cache.statistics.byteCount == 0)
        // Only that once, and only that key.
        for key in ["a", "b"] {
            _ = try await cache.value(for: key) { .init(2, byteCount: 10) }
            #expect(cache.existing(key) == 2)
        }
    }

    @Test func handsOutWhatIsTooBigToKeep() async throws {
        let cache = Cache(byteCapacity: 30)
        _ = try await cache.value(for: "a") { .init(1, byteCount: 10) }
        let big = try await cache.value(for: "big") { .init(2, byteCount: 31) }
        #expect(big.value == 2)
        #expect(cache.existing("big") == nil)
        #expect(cache.existing("a") == 1)
    }

    @Test func manyAtOnceMakeItOnce() async throws {
        let cache = Cache(byteCapacity: 100)
        let calls = Lock(0)
        let outcomes = try await withThrowingTaskGroup(of: CacheOutcome.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let (value, outcome) = try await cache.value(for: "a") {
                        calls.withLock { $0 += 1 }
                        // Until all the others have come: each is a hit, or waits.
                        while cache.statistics.shared < 19 { try await Task.sleep(for: .milliseconds(1)) }
                        return .init(7, byteCount: 1)
                    }
                    #expect(value == 7)
                    return outcome
                }
            }
            return try await group.reduce(into: [CacheOutcome]()) { $0.append($1) }
        }
        #expect(calls.withLock { $0 } == 1)
        #expect(outcomes.filter { $0 == .computed }.count == 1)
        #expect(outcomes.filter { $0 == .shared }.count == 19)
    }

    @Test func aFailureReachesAllWhoWaitAndIsForgotten() async throws {
        let cache = Cache(byteCapacity: 100)
        let failures = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do {
                        _ = try await cache.value(for: "a") {
                            while cache.statistics.shared < 4 { try await Task.sleep(for: .milliseconds(1)) }
                            throw Failure()
                        }
                        return false
                    } catch {
                        return error is Failure
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(failures == 5)
        #expect(try await cache.value(for: "a") { .init(3, byteCount: 1) }.value == 3)
    }

    @Test func forgetsWhatItIsToldTo() async throws {
        let cache = Cache(byteCapacity: 100)
        for key in ["a1", "a2", "b"] { _ = try await cache.value(for: key) { .init(1, byteCount: 10) } }
        cache.remove { $0.hasPrefix("a") }
        #expect(cache.existing("a1") == nil)
        #expect(cache.existing("b") == 1)
        #expect(cache.statistics.byteCount == 10)
        #expect(cache.statistics.entries == 1)
    }
}
