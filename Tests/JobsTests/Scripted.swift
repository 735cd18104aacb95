import Basics
import Dispatch
import Jobs
import Storage
import TestSupport
import Testing

/// A worker whose work is a closure.
struct Scripted: Worker {
    let body: @Sendable (Job, JobContext) throws -> JobOutcome

    init(_ body: @escaping @Sendable (Job, JobContext) throws -> JobOutcome) { self.body = body }

    func run(_ job: Job, context: JobContext) throws -> JobOutcome { try body(job, context) }

    /// Does nothing, and succeeds.
    static let idle = Scripted { _, _ in JobOutcome(resultJSON: "{}") }
}

/// Something that happens once; a worker waits for it on its own thread, a test without one.
final class Event: Sendable {
    private struct State {
        var hasHappened = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Lock(State())
    private let semaphore = DispatchSemaphore(value: 0)

    func happen() {
        let waiting = state.withLock { state in
            state.hasHappened = true
            defer { state.waiting = [] }
            return state.waiting
        }
        semaphore.signal()
        for continuation in waiting { continuation.resume() }
    }

    func callAsFunction() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasHappened { state.waiting.append(continuation) }
                return state.hasHappened
            }
            if isOver { continuation.resume() }
        }
    }

    /// Only on a thread that may block: a worker's.
    func block() {
        semaphore.wait()
        semaphore.signal()
    }
}

/// A clock that stands until it is moved.
final class StandingClock: Sendable {
    private let time = Lock<Int64>(1_000_000)

    var clock: WallClock { WallClock { self.time.withLock { Timestamp(milliseconds: $0) } } }

    func advance(milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

/// Gathers what several threads have to say.
final class Journal<Entry: Sendable>: Sendable {
    private let state = Lock<[Entry]>([])

    var entries: [Entry] { state.withLock { $0 } }

    func note(_ entry: Entry) { state.withLock { $0.append(entry) } }
}

extension SQLiteStore {
    /// A new task with one example and a job.
    func queueJob(priority: Int = 0) throws -> Job {
        let example = NewExample(
            stem: "a", image: .bytes([1]), mask: .bytes([2]), imageHash: "i", maskHash: "m", width: 1, height: 1)
        let new = NewTask(
            name: "t", labels: [], spacing: nil, model: "m", settingsJSON: "{}", support: [example],
            job: NewJob(priority: priority))
        return try #require(try createTask(new).job)
    }
}

extension JobQueue.Configuration {
    /// Asks a store that refused again at once.
    static var impatient: JobQueue.Configuration {
        var configuration = JobQueue.Configuration()
        configuration.retryDelays = [.zero]
        return configuration
    }
}

extension JobQueue {
    /// The job's final state, however long it takes.
    func final(_ id: String) async -> Job? { await wait(for: id, timeout: .seconds(600)) }
}
