import Synchronization

/// What of all answers waits in memory for clients to take it.
final class UnsentOutput: Sendable {
    private let limit: Int
    private let byteCount = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// Whether no large answer is to be added. Not judged by the answer's own size: one that is larger than all there may be can still be
    /// given to somebody, and what waits is at most so much and one answer for each event loop.
    var isFull: Bool { byteCount.load(ordering: .relaxed) >= limit }

    func add(_ bytes: Int) { byteCount.wrappingAdd(bytes, ordering: .relaxed) }
}
