/// Work to queue for a task.
package struct NewJob: Sendable {
    package var kind: String
    /// What the worker needs to know; opaque here.
    package var parametersJSON: String
    /// Higher runs first; between equals see ``Store/claimJob()``.
    package var priority: Int

    package init(kind: String = "adapt", parametersJSON: String = "{}", priority: Int = 0) {
        self.kind = kind
        self.parametersJSON = parametersJSON
        self.priority = priority
    }
}

package enum JobState: String, Sendable, Codable, CaseIterable {
    case queued, running, succeeded, failed, cancelled

    /// Whether nothing more will happen.
    package var isFinal: Bool {
        switch self {
        case .queued, .running: false
        case .succeeded, .failed, .cancelled: true
        }
    }
}

/// A piece of background work.
package struct Job: Sendable, Equatable {
    package let id: String
    package let task: String
    package let kind: String
    package let parametersJSON: String
    package let priority: Int
    package var state: JobState
    package var progress: JobProgress
    /// Runs that were begun and not put back by a graceful stop.
    package var attempts: Int
    package var isCancelRequested: Bool
    package var failure: JobFailure?
    package var resultJSON: String?
    package var checkpoint: StoredFile?
    package let created: Timestamp
    /// When the latest run began.
    package var started: Timestamp?
    package var finished: Timestamp?
    /// Grows with every change: the id of a server-sent event.
    package var revision: Int
}

/// Why a job failed, for whoever reads the job. Workers throw it.
package struct JobFailure: Error, Sendable, Equatable, Codable {
    /// A stable word for programs, such as `diverged`, `storage` or `internal`.
    package var code: String
    package var message: String
    /// What to do about it.
    package var hint: String?

    package init(code: String, message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }
}

/// What a worker hands back.
package struct JobOutcome: Sendable {
    package var resultJSON: String
    /// Becomes visible in the same transaction that ends the job.
    package var adapter: NewAdapter?
    /// In place of the result where another version was chosen meanwhile, so that the adapter does not answer; nil: the result says nothing of that.
    package var overtakenJSON: String?

    package init(resultJSON: String, adapter: NewAdapter? = nil, overtakenJSON: String? = nil) {
        self.resultJSON = resultJSON
        self.adapter = adapter
        self.overtakenJSON = overtakenJSON
    }
}

/// How a run ended.
package enum JobEnding: Sendable {
    case succeeded(JobOutcome)
    case failed(JobFailure)
    case cancelled
    /// Interrupted by a graceful stop: queued again, and the run does not count as an attempt.
    case putBack
}
