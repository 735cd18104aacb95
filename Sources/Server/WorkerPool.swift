import Basics
import Dispatch

/// A fixed number of threads at most, for jobs that block.
///
/// Made of serial queues, each of which Dispatch gives a thread when it has work. A concurrent queue would share Dispatch's
/// common pool instead, which is as wide as there are processors and grows only slowly when its threads block: a few waiting
/// handlers would hold up every upload.
package final class WorkerPool: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct State {
        var idle: [DispatchQueue]
        /// Jobs that wait for a queue, from `first` on.
        var waiting: [Job] = []
        var first = 0

        mutating func nextJob() -> Job? {
            guard first < waiting.count else { return nil }
            let job = waiting[first]
            // Lets go of what the job holds, though others may wait behind it for as long as uploads come.
            waiting[first] = {}
            first += 1
            if first == waiting.count {
                (waiting, first) = ([], 0)
            } else if first >= 64, 2 * first >= waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            return job
        }
    }

    private let state: Lock<State>

    package init(label: String, width: Int) {
        state = Lock(State(idle: (0..<width).map { DispatchQueue(label: "\(label).\($0)") }))
    }

    /// Runs `job` as soon as a queue is free; jobs start in the order in which they came.
    package func submit(_ job: @escaping Job) {
        // The queue used last has its thread still at hand.
        let queue = state.withLock { state -> DispatchQueue? in
            if let queue = state.idle.popLast() { return queue }
            state.waiting.append(job)
            return nil
        }
        queue?.async { @Sendable [self] in
            job()
            while let next = next(orRelease: queue) { next() }
        }
    }

    /// Jobs that wait for a queue.
    var waitingCount: Int { state.withLock { $0.waiting.count - $0.first } }

    private func next(orRelease queue: DispatchQueue?) -> Job? {
        state.withLock { state in
            if let job = state.nextJob() { return job }
            if let queue { state.idle.append(queue) }
            return nil
        }
    }
}
