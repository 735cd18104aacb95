import Basics
import Dispatch
package import Logging
package import Storage

/// Runs the store's jobs one after the other: by priority, and among equals first for the owner who
/// has waited longest (``Store/claimJob()``).
///
/// The worker has a serial queue (hence a thread) of its own, on which it may block. Watchers are called on a second one.
/// The store is the truth about which jobs there are; what is newer in memory is only the progress of the running one.
package final class JobQueue: Sendable {
    package struct Configuration: Sendable {
        /// Runs of a job that may be cut short by the death of the process before the job is given up.
        package var maximumAttempts = 3
        /// The shortest time between two writes of a running job's progress.
        package var persistEvery: Duration = .milliseconds(500)
        /// Waits after the store refused, one after the other; the last repeats.
        package var retryDelays: [Duration] = [.seconds(1), .seconds(2), .seconds(5), .seconds(15), .seconds(30)]

        package init() {}
    }

    private enum Phase { case idle, running, stopping }

    private struct State {
        var phase = Phase.idle
        var isScheduled = false
        var run: Run?
        var watchers = Watchers()
    }

    private let store: any Store
    private let worker: any Worker
    private let clock: WallClock
    private let configuration: Configuration
    private let log: Logger
    private let state = Lock(State())
    private let work = DispatchQueue(label: "gmiseg.jobs.work", qos: .utility)
    private let notices = DispatchQueue(label: "gmiseg.jobs.notices")
    /// Ends a wait for a store that refuses, when the queue stops.
    private let stopSignal = DispatchSemaphore(value: 0)

    package init(
        store: any Store, worker: any Worker, clock: WallClock = .system, configuration: Configuration = .init(),
        log: Logger = Logger(label: "gmiseg.jobs")
    ) {
        self.store = store
        self.worker = worker
        self.clock = clock
        self.configuration = configuration
        self.log = log
    }

    // MARK: Life

    /// Queues again what a killed process left running, and begins to work.
    package func start() throws(StoreError) {
        let isFresh = state.withLock { state in
            guard state.phase == .idle else { return false }
            state.phase = .running
            return true
        }
        guard isFresh else { return }
        do throws(StoreError) {
            for job in try store.recoverJobs(maximumAttempts: configuration.maximumAttempts) {
                log.notice(
                    "found a job that was cut short",
                    metadata: ["job": "\(job.id)", "state": "\(job.state)", "attempts": "\(job.attempts)"])
                publish(job)
            }
        } catch {
            state.withLock { $0.phase = .idle }
            throw error
        }
        wake()
    }

    /// Looks for queued jobs; to be called after one was added to the store.
    package func wake() {
        let isNeeded = state.withLock { state in
            guard state.phase == .running, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if isNeeded { work.async { @Sendable in self.runWaiting() } }
    }

    /// Drains: the running job is asked to save a checkpoint and goes back to the queue, and no other begins.
    /// `completion` is called once nothing runs any more and watchers have heard of all that happened.
    package func stop(completion: @escaping @Sendable () -> Void) {
        state.withLock { state in
            if state.phase == .running { state.phase = .stopping }
            state.run?.stop()
        }
        stopSignal.signal()
        work.async { @Sendable in
            self.state.withLock { $0.phase = .idle }
            self.notices.async { @Sendable in completion() }
        }
    }

    package func stop() async {
        await withCheckedContinuation { continuation in stop { continuation.resume() } }
    }

    // MARK: Reading

    /// A job with its live figures; nil when there is none, or its task was deleted.
    package func job(_ id: String) throws(StoreError) -> Job? {
        try store.job(id).map(live)
    }

    /// Jobs of one task or of all, of one owner or of all, newest first, from the one made before `after` on.
    package func jobs(
        task: String?, limit: Int, after: String?, owner: String? = nil
    ) throws(StoreError) -> [Job] {
        try store.jobs(task: task, limit: limit, after: after, owner: owner).map(live)
    }

    private func live(_ stored: Job) -> Job {
        state.withLock { state in
            guard let run = state.run, run.job.id == stored.id, run.job.revision >= stored.revision else {
                return stored
            }
            return run.job
        }
    }

    // MARK: Cancelling

    /// A queued job is cancelled at once, a running one soon, a final one stays as it is; nil when there is none.
    package func cancel(_ id: String) throws(StoreError) -> Job? {
        guard let job = try store.requestCancel(id) else { return nil }
        if job.state == .running {
            let running: Job? = state.withLock { state in
                guard state.run?.job.id == id else { return nil }
                state.run?.cancel()
                return state.run?.job
            }
            if let running { publish(running) }
            return running.map { $0.isCancelRequested ? $0 : job } ?? job
        }
        publish(job)
        return job
    }

    /// Deletes a task with all that is kept for it, and ends its jobs; nil when there is none.
    ///
    /// - Parameter limit: See `Store.deleteTask`.
    package func deleteTask(_ id: String, ifExpiredBefore limit: Timestamp? = nil) throws(StoreError) -> Deletion? {
        guard let deletion = try store.deleteTask(id, ifExpiredBefore: limit) else { return nil }
        for job in deletion.jobs { forget(job) }
        return deletion
    }

    /// Ends what is known of a job whose record is gone: watchers hear that it is cancelled.
    private func forget(_ id: String) {
        let now = clock.now()
        let isDue = state.withLock { state in
            if state.run?.job.id == id { state.run?.delete() }
            guard var last = state.watchers.latest(id) ?? state.run.flatMap({ $0.job.id == id ? $0.job : nil }) else {
                return false
            }
            last.state = .cancelled
            last.finished = now
            last.revision += 1
            return state.watchers.change(last)
        }
        if isDue { deliver(id) }
    }

    // MARK: Watching

    /// Calls `handler` with the job as it is, then after each change, and with the final state last. Calls come one after
    /// the other on one queue and must not block. The watch ends with the returned value; nil when there is no such job.
    package func observe(
        _ id: String, _ handler: @escaping @Sendable (Job) -> Void
    ) throws(StoreError) -> Observation? {
        // Registered before reading: a change in between then reaches the watcher.
        let key = state.withLock { $0.watchers.add(id, handler) }
        let observation = Observation { [weak self] in self?.state.withLock { $0.watchers.remove(key, of: id) } }
        let found = try job(id)
        if let found {
            publish(found)
            return observation
        }
        // Deleted in between, and heard so.
        if state.withLock({ $0.watchers.latest(id) }) != nil { return observation }
        observation.cancel()
        return nil
    }

    /// Calls back exactly once: with the job when it is final, with the job as it is after `timeout`, or with nil when
    /// there is no such job. A job that was deleted meanwhile comes as cancelled. No thread waits.
    package func wait(for id: String, timeout: Duration, _ completion: @escaping @Sendable (Job?) -> Void) {
        let waiter = Waiter(completion)
        do throws(StoreError) {
            let observation = try observe(id) { job in waiter.heard(job) }
            guard let observation else {
                notices.async { @Sendable in waiter.finish(nil) }
                return
            }
            waiter.hold(observation)
        } catch {
            log.error("cannot watch a job", metadata: ["job": "\(id)", "error": "\(error)"])
            notices.async { @Sendable in waiter.finish(nil) }
            return
        }
        notices.asyncAfter(deadline: .now() + timeout.dispatchInterval) { @Sendable in waiter.finishAsIs() }
    }

    package func wait(for id: String, timeout: Duration) async -> Job? {
        await withCheckedContinuation { continuation in
            wait(for: id, timeout: timeout) { continuation.resume(returning: $0) }
        }
    }

    private func publish(_ job: Job) {
        if state.withLock({ $0.watchers.change(job) }) { deliver(job.id) }
    }

    private func deliver(_ id: String) {
        notices.async { @Sendable in
            guard let (job, handlers) = self.state.withLock({ $0.watchers.deliveries(id) }) else { return }
            for handler in handlers { handler(job) }
        }
    }

    // MARK: The running job

    func interruption(of id: String) -> Interruption? {
        state.withLock { $0.run?.job.id == id ? $0.run?.interruption : .cancelled }
    }

    func progress(of id: String) -> JobProgress? {
        state.withLock { $0.run?.job.id == id ? $0.run?.job.progress : nil }
    }

    func checkpointRefused(_ id: String, _ error: any Error) {
        log.warning("cannot keep a job's checkpoint", metadata: ["job": "\(id)", "error": "\(error)"])
    }

    func report(_ id: String, _ report: Report) {
        let now = clock.now()
        let interval = configuration.persistEvery / .seconds(1)
        let (isDelivery, toKeep): (Bool, Job?) = state.withLock { state in
            guard var run = state.run, run.job.id == id, !run.isDeleted else { return (false, nil) }
            run.take(report, now: now)
            let isDue = run.isDue(every: interval, now: now)
            state.run = run
            return (state.watchers.change(run.job), isDue ? run.job : nil)
        }
        if isDelivery { deliver(id) }
        if let toKeep { keep(toKeep) }
    }

    /// Writes progress to the store, and learns from it whether the job is still wanted.
    private func keep(_ job: Job) {
        var isCancelled = false
        do throws(StoreError) {
            isCancelled = try store.recordProgress(job.progress, revision: job.revision, of: job.id)
        } catch .unknown {
            // Deleted; unless the run has ended meanwhile, and this was a straggler's report.
            if state.withLock({ $0.run.map { $0.job.id == job.id && !$0.isOver } ?? false }) { forget(job.id) }
        } catch {
            // The figures live on in memory; only a crash would lose them.
            log.warning("cannot keep a job's progress", metadata: ["job": "\(job.id)", "error": "\(error)"])
        }
        state.withLock { state in
            guard state.run?.job.id == job.id else { return }
            state.run?.isBeingKept = false
            if isCancelled { state.run?.cancel() }
        }
    }

    private func runWaiting() {
        state.withLock { $0.isScheduled = false }
        var refusals = 0
        while isRunning {
            do throws(StoreError) {
                guard let job = try store.claimJob() else { return }
                refusals = 0
                execute(job)
            } catch {
                log.error("cannot take a job from the store", metadata: ["error": "\(error)"])
                pause(after: &refusals)
            }
        }
    }

    private var isRunning: Bool { state.withLock { $0.phase == .running } }

    private func execute(_ claimed: Job) {
        let now = clock.now()
        let begun = state.withLock { state in
            var run = Run(claimed, now: now)
            if state.phase != .running { run.stop() }
            state.run = run
            return run.job
        }
        publish(begun)
        // Cancelled or deleted between being taken and being known here? Whoever did it looked for the run after
        // writing to the store; this looks at the store after making the run known. One of the two sees the other.
        do throws(StoreError) {
            if let stored = try store.job(claimed.id) {
                if stored.isCancelRequested { state.withLock { $0.run?.cancel() } }
            } else {
                forget(claimed.id)
            }
        } catch {
            log.warning("cannot look at a job again", metadata: ["job": "\(claimed.id)", "error": "\(error)"])
        }

        let scratch: String
        let ending: JobEnding
        do {
            scratch = try store.makeScratchDirectory()
            defer { store.removeScratchDirectory(scratch) }
            ending = perform(begun, scratch)
            end(begun, as: ending)
        } catch {
            end(begun, as: .failed(Self.failure(error)))
        }
    }

    private func perform(_ job: Job, _ scratch: String) -> JobEnding {
        let context = JobContext(job: job, store: store, queue: self, scratchDirectory: scratch)
        do {
            try context.checkInterruption()
            let outcome = try worker.run(job, context: context)
            // What was finished before a stop is finished.
            return interruption(of: job.id) == .cancelled ? .cancelled : .succeeded(outcome)
        } catch {
            switch (interruption(of: job.id), error) {
            case (.cancelled, _): return .cancelled
            case (.stopping, is JobInterrupted): return .putBack
            default:
                log.error("a job failed", metadata: ["job": "\(job.id)", "error": "\(error)"])
                return .failed(Self.failure(error))
            }
        }
    }

    /// Writes how the run ended, however long the store refuses, until the queue stops; the next start then finds the
    /// job running, and runs it again. An adapter that the store refuses for a minute is given up.
    private func end(_ job: Job, as first: JobEnding) {
        var (ending, refusals) = (first, 0)
        state.withLock { $0.run?.finish() }
        while let run = state.withLock({ $0.run }), !run.isDeleted {
            do throws(StoreError) {
                let ended = try store.endJob(
                    job.id, as: ending, progress: run.job.progress, revision: run.job.revision)
                state.withLock { $0.run = nil }
                publish(ended)
                log.info("a job's run ended", metadata: ["job": "\(job.id)", "state": "\(ended.state)"])
                return
            } catch .unknown {
                forget(job.id)
            } catch {
                log.error("cannot write a job's end", metadata: ["job": "\(job.id)", "error": "\(error)"])
                guard isRunning else { break }
                if case .succeeded = ending, refusals >= configuration.retryDelays.count {
                    // The adapter could not be kept. Saying so needs less room than keeping it.
                    ending = .failed(Self.failure(error))
                } else {
                    pause(after: &refusals)
                }
            }
        }
        state.withLock { $0.run = nil }
    }

    private static func failure(_ error: any Error) -> JobFailure {
        switch error {
        case let failure as JobFailure: failure
        case let error as StoreError: JobFailure(code: "storage", message: error.discreetCause, hint: error.fix)
        default:
            JobFailure(
                code: "internal", message: "The job ended with an unexpected error: \(error).",
                hint:
                    "The server's log has the circumstances; add an example or create the task again when the cause is removed."
            )
        }
    }

    /// Waits on the queue's own thread before the store is asked again; a stop ends the wait.
    private func pause(after refusals: inout Int) {
        guard let last = configuration.retryDelays.last else { return }
        let delay = refusals < configuration.retryDelays.count ? configuration.retryDelays[refusals] : last
        refusals += 1
        _ = stopSignal.wait(timeout: .now() + delay.dispatchInterval)
    }
}

extension Duration {
    /// For Dispatch: whole nanoseconds, from nothing to a day.
    var dispatchInterval: DispatchTimeInterval {
        let seconds = min(max(self / .seconds(1), 0), 86_400)
        return .nanoseconds(Int(seconds * 1e9))
    }
}
