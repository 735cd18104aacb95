package import Storage

/// A running job's line to its queue. Every call may come from any thread.
package final class JobContext: Sendable {
    /// For temporary files, such as the adapter before it is handed over; removed after the run.
    package let scratchDirectory: String
    private let job: Job
    private let store: any Store
    private let queue: JobQueue

    init(job: Job, store: any Store, queue: JobQueue, scratchDirectory: String) {
        self.job = job
        self.store = store
        self.queue = queue
        self.scratchDirectory = scratchDirectory
    }

    /// Why to end now; nil: go on. Cheap enough for every iteration of a loop.
    package var interruption: Interruption? { queue.interruption(of: job.id) }

    /// What was reported so far; at first, what an earlier run left when there is a checkpoint to go on from.
    package var progress: JobProgress { queue.progress(of: job.id) ?? .none }

    /// Throws `JobInterrupted` when the run should end now.
    package func checkInterruption() throws {
        if interruption != nil { throw JobInterrupted() }
    }

    /// Tells how far the work has got; watchers see it at once, the store every now and then. Call it every step.
    ///
    /// - Parameters:
    ///   - step: Steps done, of `steps`.
    ///   - loss: The step's training loss; a point of the loss curve. Ignored unless finite.
    ///   - phase: What is being done, such as `training`; nil: what it was before.
    ///   - fraction: 0…1 of the whole job; nil: `step / steps`.
    ///   - etaSeconds: Until the job's end; nil: judged by the pace so far.
    package func report(
        step: Int, of steps: Int, loss: Double? = nil, phase: String? = nil, fraction: Double? = nil,
        etaSeconds: Double? = nil
    ) {
        queue.report(
            job.id,
            Report(step: step, steps: steps, loss: loss, phase: phase, fraction: fraction, etaSeconds: etaSeconds))
    }

    /// Keeps what a later run of this job needs to go on from here, in place of what was kept before. It only insures against a kill:
    /// where the store refuses, as on a full disk, what was kept before stays, and the run is to go on.
    ///
    /// - Throws: `.unknown` when the job is not there any more.
    package func saveCheckpoint(_ content: FileContent) throws(StoreError) {
        do {
            _ = try store.saveCheckpoint(content, of: job.id)
        } catch {
            if case .unknown = error { throw error }
            checkpointRefused(error)
        }
    }

    /// A checkpoint could not be made: to the log with it.
    package func checkpointRefused(_ error: any Error) { queue.checkpointRefused(job.id, error) }

    /// Where the checkpoint of an earlier run of this job is; nil when there is none.
    package func checkpointPath() throws(StoreError) -> String? {
        guard let checkpoint = try store.job(job.id)?.checkpoint else { return nil }
        return try store.localPath(checkpoint)
    }
}

/// What a worker said of its progress.
struct Report {
    var step: Int
    var steps: Int
    var loss: Double?
    var phase: String?
    var fraction: Double?
    var etaSeconds: Double?
}
