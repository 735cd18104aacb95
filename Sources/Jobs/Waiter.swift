import Basics
import Storage

/// Waits for a job's end without a thread: answers once, whatever comes first.
final class Waiter: Sendable {
    private struct State {
        var completion: (@Sendable (Job?) -> Void)?
        var latest: Job?
        var observation: Observation?
    }

    private let state: Lock<State>

    init(_ completion: @escaping @Sendable (Job?) -> Void) { state = Lock(State(completion: completion)) }

    /// Keeps the watch alive until the answer is given.
    func hold(_ observation: Observation) {
        let isOver = state.withLock { state in
            if state.completion != nil { state.observation = observation }
            return state.completion == nil
        }
        if isOver { observation.cancel() }
    }

    func heard(_ job: Job) {
        state.withLock { $0.latest = job }
        if job.state.isFinal { finish(job) }
    }

    /// Answers with what was heard last.
    func finishAsIs() { finish(state.withLock { $0.latest }) }

    func finish(_ job: Job?) {
        let (completion, observation) = state.withLock { state in
            defer { (state.completion, state.observation) = (nil, nil) }
            return (state.completion, state.observation)
        }
        // Outside the lock: ending the watch takes the queue's lock.
        observation?.cancel()
        completion?(job)
    }
}
