import Storage

/// A job as its reader sees it.
enum JobAnswer {
    static func json(_ job: Job) -> JSON {
        let progress = job.progress
        return [
            "id": .string(job.id), "task": .string(job.task), "kind": .string(job.kind),
            "state": .string(job.state.rawValue),
            "priority": .integer(job.priority),
            "cancel_requested": .bool(job.isCancelRequested),
            "progress": .rounded(progress.fraction, places: 4),
            "step": .integer(progress.step), "steps": .integer(progress.steps),
            "phase": .optional(progress.phase),
            "eta_seconds": progress.etaSeconds.map { .rounded($0, places: 1) } ?? .null,
            "attempts": .integer(job.attempts),
            "created_at": .string(job.created.rfc3339),
            "started_at": .optional(job.started?.rfc3339),
            "finished_at": .optional(job.finished?.rfc3339),
            "error": job.failure.map {
                ["code": .string($0.code), "message": .string($0.message), "hint": .optional($0.hint)]
            } ?? .null,
            "result": job.resultJSON.map(JSON.stored) ?? .null,
            "loss_curve": .array(
                progress.lossCurve.map { ["step": .integer($0.step), "loss": .rounded($0.loss, places: 5)] }),
        ]
    }
}

extension JSON {
    /// JSON that the service itself wrote into the store; null if somebody damaged it there.
    static func stored(_ text: String) -> JSON {
        (try? JSONParser.parse(Array(text.utf8))) ?? .null
    }
}
