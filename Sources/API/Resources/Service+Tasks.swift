import Adaptation
import Basics
import HTTP
import HTTPTypes
import Imaging
import Jobs
import Posix
import SegmentAnything
import Server
import Storage

/// `/v1/tasks`: create, list, show, delete, and the adapter's file.
extension Service {
    func createTask(_ context: RequestContext) async throws -> Response {
        _ = try context.negotiate([.json])
        let query = try context.query(known: ["wait", "dry_run", "priority"])
        let wait = try query.integer("wait", in: 0...configuration.maximumWaitSeconds) ?? 0
        let priority = try Self.priority(query)
        if try query.bool("dry_run") ?? false { return try await checkTask(context) }
        let form = try TaskForm(context, maximumExamples: configuration.maximumExamples)
        var imported: ImportedAdapter?
        if let file = form.adapter { imported = try await importedAdapter(file, model: form.task.model) }
        let served = try check(form.task, imported?.model)
        let labels = try TaskLabels(form.task.labels, importing: imported?.card)
        var support: [NewExample] = []
        if let form = form.support?.with(labels) {
            try await checkPixels(of: form)
            support = try await self.support(form, isWhole: true, for: served.model.configuration)
        }
        try Self.checkTiles(
            form.task.recipe.telling(labels.count), support.map { ($0.width, $0.height) }, field: "task")
        let rule = form.support?.pairing.rule
        let settings = TaskSettings(request: form.task, pairing: rule ?? .order, model: served.name)
        let new = NewTask(
            name: form.task.name,
            labels: labels.labels,
            spacing: form.task.spacing.map { PixelSpacing(x: $0.x, y: $0.y) },
            model: served.model.sha256, settingsJSON: settings.json.text(), owner: context.identity.owner,
            support: support, job: support.isEmpty ? nil : NewJob(examples: support.count, priority: priority),
            adapter: imported?.adapter)
        let (task, job) = try await storing.run { [store, imported] in
            defer { withExtendedLifetime(imported) {} }
            return try store.createTask(new)
        }
        jobs.wake()
        context.addition?.end()  // it may wait for the job now
        return try await created(task.id, job: job?.id, pairing: rule, wait: wait)
    }

    static func priority(_ query: QueryReader) throws(Problem) -> Int {
        try query.integer("priority", in: -100...100) ?? 0
    }

    /// The task's model. Refuses what it cannot do, before any pixel is decoded.
    ///
    /// - Parameter imported: The model of the adapter that comes along; it is the task's.
    func check(_ task: TaskRequest, _ imported: ServedModel? = nil) throws(Problem) -> ServedModel {
        let served: ServedModel
        if let imported { served = imported } else { served = try models.named(task.model, field: "task.model") }
        do {
            try task.recipe.validate()
            try task.recipe.settings.validate(for: served.model.configuration)
        } catch {
            throw Problem(error)
        }
        return served
    }

    /// Refuses tiles of a task with several labels, and such as are so small that an image would have too many.
    ///
    /// - Parameter sizes: Of the support images.
    static func checkTiles(
        _ recipe: Recipe, _ sizes: [(width: Int, height: Int)], field: String
    ) throws(Problem) {
        do {
            try recipe.checkTiles(sizes.map { Extent(width: $0.width, height: $0.height) })
        } catch {
            throw Problem(
                .invalidValue, "\(error.field) is \(error.found)", field: "\(field).\(error.field)",
                hint: "give \(error.expectation)")
        }
    }

    /// Refuses a support set of more pixels than are to be in memory at once: a job has all its images there.
    func checkPixels(_ sizes: [(width: Int, height: Int)]) throws(Problem) {
        let (pixels, limit) = (sizes.reduce(0) { $0 + $1.width * $1.height }, configuration.maximumSupportPixels)
        guard pixels <= limit else {
            throw Problem(
                .tooLarge, "the images of the support set have \(pixels) pixels in all", field: "image",
                hint: "a task learns from at most \(limit): scale the images down, crop them, or send fewer")
        }
    }

    /// 202 while the job goes on, 201 when a `?wait=` saw it end.
    func created(_ id: String, job: String?, pairing: Pairing.Rule?, wait: Int) async throws -> Response {
        let deleted = Problem(
            .taskDeleted, "the task \(id) was deleted during its job", hint: "create it again if that was a mistake")
        var isEnded = job == nil
        if let job {
            guard let last = try await self.wait(for: job, seconds: wait) else { throw deleted }
            isEnded = last.state.isFinal
        }
        guard let task = try store.task(id) else { throw deleted }
        var fields = HTTPFields()
        fields[.location] = "/v1/tasks/\(id)"
        let answer: JSON = [
            "task": try answer(for: task),
            "job": try job.flatMap { try jobs.job($0) }.map(JobAnswer.json) ?? .null,
            "pairing": pairing.map(Self.json) ?? .null,
        ]
        return .json(answer, isEnded ? .created : .accepted, fields: fields)
    }

    static func json(_ pairing: Pairing.Rule) -> JSON {
        let note: JSON =
            switch pairing {
            case .stem: "each image got the mask with its file stem"
            case .name:
                "no file stems matched: each image got the mask whose name has the same words and numbers beside those of all"
            case .order: "the names have nothing in common: the first image got the first mask, and so on"
            }
        return ["by": .string(pairing.rawValue), "note": note]
    }

    func listTasks(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        let query = try context.query(known: ["limit", "after"])
        let limit = try query.integer("limit", in: 1...200) ?? 50
        let after = try query["after"].map { (text: String) throws -> String in
            guard Identifier.isWellFormed(text, prefix: "task") else {
                throw Problem.invalid(
                    "query.after", "\(Quoted(text)) is no task id", hint: "give \"next\" of the page before")
            }
            // An empty page would look like the end of the list.
            guard let last = try store.task(text), context.identity.maySee(last) else {
                throw Problem.invalid(
                    "query.after", "the task \(text) is not there any more", hint: "ask for the first page again")
            }
            return text
        }
        let tasks = try store.tasks(limit: limit, after: after, owner: context.identity.visibleOwner)
        return .json([
            "tasks": .array(try tasks.map(answer)),
            "next": .optional(tasks.count == limit ? tasks.last?.id : nil),
        ])
    }

    func showTask(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let task = try requireTask(context)
        return .json(try answer(for: task, withSupport: true))
    }

    func deleteTask(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let id = try requireTask(context).id
        guard let deletion = try remove(task: id) else { throw Self.unknownTask(id) }
        return .json([
            "deleted": .string(deletion.task), "jobs": .array(deletion.jobs.map { .string($0) }),
            "files": .integer(deletion.fileCount), "bytes": .integer(deletion.byteCount),
            "deleted_at": .string(configuration.clock.now().rfc3339),
        ])
    }

    func downloadAdapter(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.octetStream])
        let version = try context.query(known: ["version"]).integer("version", in: 1...1_000_000)
        let task = try requireTask(context)
        guard let adapter = try store.adapter(of: task.id, version: version) else {
            if let version { throw Self.unknownVersion(version, of: task.id, field: "query.version") }
            throw Problem(
                .adapterNotReady, "the task \(task.id) serves no adapter: \(try baseReason(task))",
                hint: try store.adapters(of: task.id).last.map { "?version=\($0.version) gives version \($0.version)" }
                    ?? task.latestJob.map { "poll /v1/jobs/\($0) until it has succeeded" })
        }
        return try Download(
            source: .file(path: try store.localPath(adapter.file)), type: MediaType.octetStream.essence,
            validators: Validators(
                tag: EntityTag(adapter.sha256), modified: Int(adapter.created.milliseconds / 1_000)),
            disposition: Attachment.disposition(stem: task.name, suffix: "-v\(adapter.version).safetensors")
        ).answer(to: context.request)
    }

    /// The task that the path names; one that belongs to somebody else is as unknown as one that never was.
    func requireTask(_ context: RequestContext) throws -> TaskRecord {
        let id = try context.identifier("task", prefix: "task", what: "task")
        guard let task = try store.task(id), context.identity.maySee(task) else { throw Self.unknownTask(id) }
        return task
    }

    private static func unknownTask(_ id: String) -> Problem {
        .notFound(
            "task", id, field: "task", hint: "it was deleted, or belongs to another server; GET /v1/tasks lists them")
    }
}
