import Dispatch
import Synchronization
import Tensor

/// Lets short work go first: long work stops, between two slices of an operation, while somebody is inside.
///
/// The service has two. A job gives way to every request; an image encoder gives way to masks on embeddings that are there
/// already. So at most one of the three uses the processor at a time, with all its cores, and a click waits for one slice.
package final class InteractiveGate: RightOfWay {
    private let inside = Atomic<Int>(0)
    private let waiting = DispatchGroup()
    private let patienceNanoseconds: Int
    private let turnNanoseconds: UInt64
    /// Uptime in nanoseconds up to which long work, having waited for so long, need not stop.
    private let turnEnds = Atomic<UInt64>(0)
    private let turns = Atomic<Int>(0)

    /// - Parameters:
    ///   - patience: The longest that long work waits at a time.
    ///   - turn: How long it then works undisturbed: a steady stream of requests slows it down and cannot stop it.
    package init(patience: Duration = .seconds(2), turn: Duration = .milliseconds(200)) {
        patienceNanoseconds = Int(patience.milliseconds * 1e6)
        turnNanoseconds = UInt64(max(0, turn.milliseconds) * 1e6)
    }

    /// Runs `body` as work that goes first.
    package func interactive<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        waiting.enter()
        inside.wrappingAdd(1, ordering: .relaxed)
        defer {
            inside.wrappingSubtract(1, ordering: .relaxed)
            waiting.leave()
        }
        return try await body()
    }

    /// How often long work has had a turn beside work that goes first, which was slower for it.
    package var turnCount: Int { turns.load(ordering: .relaxed) }

    package var isClaimed: Bool {
        inside.load(ordering: .relaxed) > 0
            && DispatchTime.now().uptimeNanoseconds >= turnEnds.load(ordering: .relaxed)
    }

    /// Called by long work: returns once nobody is inside, but after `patience` in any case.
    package func giveWay() {
        guard isClaimed, waiting.wait(timeout: .now() + .nanoseconds(patienceNanoseconds)) == .timedOut else { return }
        turns.wrappingAdd(1, ordering: .relaxed)
        turnEnds.store(DispatchTime.now().uptimeNanoseconds + turnNanoseconds, ordering: .relaxed)
    }
}
