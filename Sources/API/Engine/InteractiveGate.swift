package import Dispatch

/// Lets people go first: a job that trains stops between its steps while somebody waits for a mask.
package final class InteractiveGate: Sendable {
    private let waiting = DispatchGroup()

    package init() {}

    /// Runs `body` as interactive work: jobs pause at their next step until it is done.
    package func interactive<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        waiting.enter()
        defer { waiting.leave() }
        return try await body()
    }

    /// Called by a job between two steps: returns once nobody waits, but after `patience` in any case, so that a steady
    /// stream of requests slows a job down and cannot stop it.
    package func pauseJob(atMost patience: DispatchTimeInterval = .seconds(2)) {
        _ = waiting.wait(timeout: .now() + patience)
    }
}
