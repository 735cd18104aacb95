import Basics
import Dispatch

/// A serial queue of one kind of heavy work, with a bound on how much may wait for it.
///
/// Inference never runs on Dispatch's shared queues nor on the threads of Swift's concurrency: both have as many threads as
/// cores, and a few encoders would starve everything else in the process.
package final class WorkQueue: Sendable {
    private let queue: DispatchQueue
    private let pending = Lock(0)
    private let capacity: Int

    /// - Parameter capacity: Pieces of work that may be waiting or running; more are refused as `busy`.
    package init(label: String, capacity: Int) {
        queue = DispatchQueue(label: label, qos: .userInitiated)
        self.capacity = capacity
    }

    /// Pieces of work that wait or run.
    var depth: Int { pending.withLock { $0 } }

    /// Runs `body` in turn and gives its result. Throws a 503 `Problem` at once when too much waits already.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let isAdmitted = pending.withLock { pending in
            guard pending < capacity else { return false }
            pending += 1
            return true
        }
        guard isAdmitted else {
            throw Problem(
                .busy, "\(capacity) requests wait for their turn already", hint: "try again in a few seconds",
                headers: [.init(name: "Retry-After", value: "5")])
        }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { @Sendable in
                let result = Swift.Result { try body() }
                self.pending.withLock { $0 -= 1 }
                continuation.resume(with: result)
            }
        }
    }
}
