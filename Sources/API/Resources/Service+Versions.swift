import Adaptation
import HTTP
import HTTPTypes
import Imaging
import Jobs
import Posix
import SegmentAnything
import Server
import Storage

/// What changes a task after it was made: more support, another version, an adapter from elsewhere; and the files of its
/// support set.
extension Service {
    /// `POST /v1/tasks/{id}/support`: more examples, and a job that makes the next version.
    func addSupport(_ context: RequestContext) async throws -> Response {
        _ = try context.negotiate([.json])
        let query = try context.query(known: ["wait", "priority"])
        let wait = try query.integer("wait", in: 0...configuration.maximumWaitSeconds) ?? 0
        let priority = try Self.priority(query)
        let task = try requireTask(context)
        let model = try models.model(of: task).model
        guard case .multipart(let parts) = context.request.body else {
            throw context.unsupportedMediaType(
                [.multipartFormData], hint: "send a form: curl -F image=@9.png -F mask=@9_mask.png …")
        }
        let form = try Form(parts, single: ["patients"], repeated: ["image", "mask"])
        let members = try form.json("patients").map { [JSON.Member("patients", $0)] } ?? []
        let known = try store.support(of: task.id)
        let taken = known.map(\.stem)
        let support = try SupportForm(
            form, room: max(0, configuration.maximumExamples - taken.count), taken: taken,
            patients: try TaskRequest.patients(Fields(.object(members), path: "", known: ["patients"])),
            patientsPath: "patients", labels: TaskLabels(task.labels))
        // An imported task has none yet: its first examples are to show all of its labels.
        try await checkPixels(of: support, beside: known.map { ($0.width, $0.height) })
        let examples = try await self.support(support, isWhole: known.isEmpty, for: model.configuration)
        let recipe = try TaskSettings(stored: task.settingsJSON).recipe
        do {
            // It was accepted for smaller images.
            try Self.checkTiles(
                recipe, examples.map { ($0.width, $0.height) },
                field: "task")
        } catch {
            throw Problem(
                error.kind, error.detail, field: "image",
                hint: "leave the larger images out, or create a task with \"adaptation\": {\"tiles\": \"auto\"}")
        }
        // Of two forms that arrive at once, or of one that is sent again, the second is refused: an image and its copy must not lie on both sides
        // of a fold.
        let (_, job) = try await storing.run { [store] in
            try store.addSupport(
                examples, to: task.id, having: taken.count,
                job: NewJob(examples: taken.count + examples.count, priority: priority))
        }
        jobs.wake()
        context.addition?.end()  // it may wait for the job now
        return try await created(task.id, job: job?.id, pairing: support.pairing.rule, wait: wait)
    }

    /// `PUT /v1/tasks/{id}/served_version`: back to an earlier version, or to the base model.
    func serveVersion(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let hint = "send {\"version\": 2}, or null for the base model"
        guard case .content(let content) = context.request.body, context.contentType?.essence == MediaType.json.essence
        else { throw context.unsupportedMediaType([.json], hint: hint) }
        let json = try JSON.parse(try content.bytes(field: "body", limit: 1 << 16), field: "body")
        let fields = try Fields(json, path: "", known: ["version"])
        guard json.members?.isEmpty == false else { throw Problem.missing("version", "version is missing", hint: hint) }
        let version = try fields.integer("version", in: 1...1_000_000)
        let task = try requireTask(context)
        if let version, try store.adapter(of: task.id, version: version) == nil {
            throw Self.unknownVersion(version, of: task.id, field: "version")
        }
        try store.serveAdapter(version, of: task.id)
        guard let changed = try store.task(task.id) else { throw StoreError.unknown(kind: "task", id: task.id) }
        return .json(try answer(for: changed))
    }

    /// `DELETE /v1/tasks/{id}/adapter?version=N`.
    func deleteVersion(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        guard let version = try context.query(known: ["version"]).integer("version", in: 1...1_000_000) else {
            throw Problem.missing(
                "query.version", "which version?", hint: "add ?version=N; the task lists its versions")
        }
        let task = try requireTask(context)
        guard let adapter = try store.adapter(of: task.id, version: version) else {
            throw Self.unknownVersion(version, of: task.id, field: "query.version")
        }
        guard task.servedAdapter != version else {
            throw Problem(
                .versionServed, "version \(version) is the one that is served", field: "query.version",
                hint: "serve another first, or none: PUT /v1/tasks/\(task.id)/served_version {\"version\": null}")
        }
        guard try store.deleteAdapter(version, of: task.id) else {
            throw Self.unknownVersion(version, of: task.id, field: "query.version")
        }
        adapters.remove { $0 == adapter.sha256 }
        embeddings.remove { $0.adapter == adapter.sha256 }
        return .json(["deleted": .integer(version), "task": .string(task.id)])
    }

    /// `GET /v1/tasks/{id}/support/{stem}/image` and `…/mask`: the file as it was sent.
    func supportFile(_ context: RequestContext, isMask: Bool) throws -> Response {
        _ = try context.query()
        let task = try requireTask(context)
        let stem = context.parameters["stem"] ?? ""
        guard let example = try store.support(of: task.id).first(where: { $0.stem == stem }) else {
            throw Problem.notFound(
                "support example", stem, field: "stem", hint: "GET /v1/tasks/\(task.id) lists the stems")
        }
        let file = isMask ? example.mask : example.image
        let isJPEG = try FileSlice(path: store.localPath(file)).bytes(at: 0, limit: 2) == [0xFF, 0xD8]
        let type = MediaType(isJPEG ? "image/jpeg" : "image/png") ?? .png
        _ = try context.negotiate([type])
        return try Download(
            source: .file(path: try store.localPath(file)), type: type.essence,
            validators: Validators(
                tag: EntityTag("\(isMask ? example.maskHash : example.imageHash)-\(file.byteCount)"),
                modified: Int(task.created.milliseconds / 1_000))
        ).answer(to: context.request)
    }

    /// An adapter's file, checked against the model that it was made for.
    ///
    /// - Parameter model: The name of the model that the task asks for; nil: whichever the adapter fits.
    func importedAdapter(_ part: Part, model name: String?) async throws -> ImportedAdapter {
        // On the disk from here to the store: it may wait for its turn, and many may.
        let folder = try ScratchFolder(store)
        let path = folder.path + "/import.safetensors"
        try part.content.move(to: path, field: "adapter", limit: configuration.maximumAdapterBytes)
        let base: (name: String, sha256: String)
        do throws(AdapterError) {
            base = try Adapter.base(path: path)
        } catch {
            throw Problem(importing: error)
        }
        let asked = try name.map { try models.named($0, field: "task.model") }
        guard let served = asked ?? models.weights(base.sha256), served.model.sha256 == base.sha256 else {
            throw Problem(
                importing: .wrongBase(loaded: (asked ?? models.standard).model.sha256, adapters: base.sha256))
        }
        let adapter: Adapter
        do {
            adapter = try await decoding.run { try Adapter.load(path: path, for: served.model) }
        } catch let error as AdapterError {
            throw Problem(importing: error)
        }
        return ImportedAdapter(
            adapter: NewAdapter(
                file: .file(path: path), sha256: adapter.sha256,
                cardJSON: AdapterCardAnswer.json(adapter.card, isImported: true).text()),
            card: adapter.card, model: served, folder: folder)
    }

    static func unknownVersion(_ version: Int, of task: String, field: String) -> Problem {
        .notFound(
            "adapter version", "\(version)", field: field, hint: "GET /v1/tasks/\(task) lists the versions")
    }
}

extension Problem {
    /// Why a file that a client sent is not taken as an adapter.
    init(importing error: AdapterError) {
        switch error {
        case .wrongBase(let loaded, let adapters):
            self.init(
                .wrongBase,
                "the adapter was made for the model with the weights \(adapters.prefix(12))…, and the task's has \(loaded.prefix(12))…",
                field: "adapter", hint: "start the server with that model, or choose it by task.model",
                extensions: [
                    .init("adapter_base_sha256", .string(adapters)), .init("model_sha256", .string(loaded)),
                ])
        case .unreadable(_, let reason):
            self.init(
                .unusableAdapter, "the file cannot be read as safetensors: \(reason)", field: "adapter",
                hint: "send the file that GET /v1/tasks/{id}/adapter gave")
        case .notAnAdapter, .notACheckpoint, .unsupportedVersion, .missingTensor, .unexpectedTensor, .wrongShape,
            .nonFinite:
            self.init(
                .unusableAdapter, "\(error)", field: "adapter",
                hint: "send the file that GET /v1/tasks/{id}/adapter gave")
        }
    }
}
