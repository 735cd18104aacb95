import Basics

/// Floats in memory: a 64-byte aligned block of its own, or a slice of something else that `owner` keeps alive.
///
/// Written only while its creator alone holds it; from then on it is read by any thread.
final class Storage: @unchecked Sendable {
    // Invariant: the memory is written only before the first share, or by a sole holder (`isKnownUniquelyReferenced`).
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let owner: AnyObject?

    init(count: Int) {
        self.count = count
        base = BlockCache.shared.take(bytes: count * MemoryLayout<Float>.stride)
            .bindMemory(to: Float.self, capacity: max(count, 1))
        owner = nil
    }

    convenience init(zeroed count: Int) {
        self.init(count: count)
        base.update(repeating: 0, count: count)
    }

    /// Borrows `count` floats at `base`, which live and stay unchanged as long as `owner` does.
    init(borrowing base: UnsafePointer<Float>, count: Int, from owner: AnyObject) {
        self.base = UnsafeMutablePointer(mutating: base)
        self.count = count
        self.owner = owner
    }

    deinit {
        if owner == nil { BlockCache.shared.give(base, bytes: count * MemoryLayout<Float>.stride) }
    }

    /// Whether a sole holder may write here: borrowed memory may be a read-only mapping.
    var isOwned: Bool { owner == nil }
}
