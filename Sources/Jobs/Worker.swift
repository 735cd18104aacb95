package import Storage

/// Does the work of jobs.
package protocol Worker: Sendable {
    /// Runs `job` to its end, on the queue's own thread: it may block, and compute for minutes.
    ///
    /// Report after each step, look at `context.interruption` within each, and when there is one, throw
    /// `JobInterrupted`; before that, when the queue is stopping, save a checkpoint. Throw a `JobFailure` for a cause that
    /// the job's reader should know. Return the adapter as a file in `context.scratchDirectory`.
    func run(_ job: Job, context: JobContext) throws -> JobOutcome
}

/// Why a run should end before its work is done.
package enum Interruption: Sendable {
    /// Somebody cancelled the job or deleted its task: nothing of it is wanted any more.
    case cancelled
    /// The server is going down: save a checkpoint; the job goes on at the next start.
    case stopping
}

/// Thrown by a worker that ended because of `JobContext.interruption`.
package struct JobInterrupted: Error {
    package init() {}
}
