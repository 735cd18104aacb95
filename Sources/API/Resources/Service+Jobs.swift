import Basics
import HTTP
import HTTPTypes
import Jobs
import Server
import Storage

/// `/v1/jobs`: list, show, follow, cancel; and waiting for one.
extension Service {
    func listJobs(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        let query = try context.query(known: ["task", "limit", "after"])
        let limit = try query.integer("limit", in: 1...200) ?? 50
        let task = try query["task"].map { text throws(Problem) in
            guard Identifier.isWellFormed(text, prefix: "task") else {
                throw Problem.invalid("query.task", "\(Quoted(text)) is no task id", hint: "GET /v1/tasks lists them")
            }
            return text
        }
        let after = try query["after"].map { (text: String) throws -> String in
            guard Identifier.isWellFormed(text, prefix: "job") else {
                throw Problem.invalid(
                    "query.after", "\(Quoted(text)) is no job id", hint: "give \"next\" of the page before")
            }
            // An empty page would look like the end of the list.
            guard let last = try jobs.job(text), try isVisible(last, context) else {
                throw Problem.invalid(
                    "query.after", "the job \(text) is not there any more", hint: "ask for the first page again")
            }
            return text
        }
        let list = try jobs.jobs(task: task, limit: limit, after: after, owner: context.identity.visibleOwner)
        return .json([
            "jobs": .array(list.map(JobAnswer.json)),
            "next": .optional(list.count == limit ? list.last?.id : nil),
        ])
    }

    func showJob(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        return .json(JobAnswer.json(try requireJob(context)))
    }

    /// The job as server-sent events, until it has ended.
    func streamJob(_ context: RequestContext, to reply: ResponseWriter) throws -> HTTPResponse.Status {
        _ = try context.negotiate([.eventStream])
        _ = try context.query()
        let job = try requireJob(context)
        // An event that the job never had is of another life of it, such as before a backup was put back.
        let lastSeen = try lastEventID(context).flatMap { $0 <= job.revision ? $0 : nil }
        if job.state.isFinal, let lastSeen, job.revision <= lastSeen {
            // Nothing is to come. 204 is how an EventSource learns to stay away (WHATWG HTML, "Server-sent events").
            reply.send(Response(.noContent))
            return .noContent
        }
        guard !isStopping else {
            throw Problem(
                .shuttingDown, "the server is shutting down", hint: "try again in 10 s",
                headers: [.init(name: "Retry-After", value: "10")])
        }
        let stream = JobEventStream(reply, lastSeen: lastSeen, isHead: context.request.method == .head)
        guard let observation = try jobs.observe(job.id, { stream.heard($0) }) else {
            throw Self.unknownJob(job.id)
        }
        eventStreams.start(stream, observation)
        return .ok
    }

    private func lastEventID(_ context: RequestContext) throws(Problem) -> Int? {
        guard let name = HTTPField.Name("Last-Event-ID"), let text = context.request.fields[name], !text.isEmpty else {
            return nil
        }
        guard let number = Int(text), number >= 0 else {
            throw Problem.invalid(
                "Last-Event-ID", "Last-Event-ID is \(Quoted(text))",
                hint: "send the id of the last event, a whole number")
        }
        return number
    }

    func cancelJob(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let before = try requireJob(context)
        let id = before.id
        guard !before.state.isFinal else {
            throw Problem(
                .jobEnded,
                "the job \(id) \(before.state == .cancelled ? "was cancelled" : "has \(before.state.rawValue)") already",
                field: "job",
                hint: "there is nothing to cancel")
        }
        guard let job = try jobs.cancel(id) else { throw Self.unknownJob(id) }
        // A running job stops within its present step: 202 until it has.
        return .json(JobAnswer.json(job), job.state.isFinal ? .ok : .accepted)
    }

    /// The job once it is final, or as it is after `seconds`, or when the server stops; nil when it was deleted with its task.
    func wait(for id: String, seconds: Int) async throws -> Job? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let remaining = deadline - .now
            if remaining <= .zero || isStopping { return try jobs.job(id) }
            // Short turns, so that a stopping server does not hold its clients to the end of their patience.
            guard let job = await jobs.wait(for: id, timeout: min(remaining, .milliseconds(500))) else { return nil }
            if job.state.isFinal { return job }
        }
    }

    /// The job that the path names, if it belongs to a task that is seen.
    private func requireJob(_ context: RequestContext) throws -> Job {
        let id = try context.identifier("job", prefix: "job", what: "job")
        guard let job = try jobs.job(id), try isVisible(job, context) else {
            throw Self.unknownJob(id)
        }
        return job
    }

    private func isVisible(_ job: Job, _ context: RequestContext) throws -> Bool {
        if context.identity.scope == .admin { return true }
        return try store.task(job.task).map(context.identity.maySee) ?? false
    }

    private static func unknownJob(_ id: String) -> Problem {
        .notFound("job", id, field: "job", hint: "jobs go with their task when it is deleted; GET /v1/jobs lists them")
    }
}
