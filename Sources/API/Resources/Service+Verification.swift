import Adaptation
import HTTP
import SegmentAnything
import Server
import Storage

/// `POST /v1/verify`: makes an answer again from its receipt, and compares.
extension Service {
    private static let verifyHint = "send a form: curl -F receipt=@answer.json -F image=@scan.png"

    func verify(_ context: RequestContext) async throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        guard case .multipart(let parts) = context.request.body else {
            throw context.unsupportedMediaType([.multipartFormData], hint: Self.verifyHint)
        }
        let form = try Form(parts, single: ["receipt", "image", "image_id"])
        let source = try ImageSource(form, hint: Self.verifyHint)
        let (sent, changes) = try await receipt(form)
        let (receipt, room) = try await recorded(sent)
        defer { withExtendedLifetime(room) {} }
        return try await gate.interactive {
            let watch = Stopwatch()
            let image = try await open(source, for: context.identity)
            guard image.hash == receipt.pixels else {
                // Its prompts mean nothing on another image.
                let other = ReceiptDifference(
                    field: "pixels_sha256", recorded: .string(receipt.pixels), here: .string(image.hash))
                return Self.verdict(matches: false, [other], note: "this is not the image of the receipt", again: nil)
            }
            let (plan, build) = (try await plan(receipt, image: image, for: context.identity), build)
            return try await masks(plan, watch: watch) { segmented, _, _, _ in
                let merged = segmented.masks.merged(width: image.width, height: image.height)
                let again = Receipt(plan, segmented, merged: merged, build: build)
                return Self.compare(receipt, again, changes)
            }
        }
    }

    /// What was sent, but of a whole answer only the receipt and its hash: the masks are not to stay for as long as the request waits. And
    /// what the answer has otherwise than its receipt.
    private func receipt(_ form: Form) async throws -> (sent: JSON, changes: [ReceiptDifference]) {
        guard let sent = try form.json("receipt", byteLimit: JSONParser.Limits().maximumByteCount) else {
            throw Problem.missing("receipt", "the part \"receipt\" is missing", hint: Self.verifyHint)
        }
        guard sent["receipt"] != nil else { return (sent, []) }
        let kept = JSON.object(["receipt", "receipt_sha256"].compactMap { name in sent[name].map { .init(name, $0) } })
        guard let file = AnswerFile(sent) else { return (kept, []) }
        if let difference = file.countDifference { return (kept, [difference]) }
        for index in 0..<file.maskCount {
            // One at a time: requests that come meanwhile need not wait for all. The first is enough.
            let found = try await imaging.run { [limits = configuration.imageLimits] in
                file.differences(index, limits: limits)
            }
            if !found.isEmpty { return (kept, found) }
        }
        return (kept, [])
    }

    /// A receipt, and the memory that its mask prompt takes until the answer: decoded one after the other, as images are.
    private func recorded(_ sent: JSON) async throws -> (RecordedReceipt, AnswerMemory.Room?) {
        let mask = (sent["receipt"] ?? sent)["request"]?["prompts"]?["mask"] ?? .null
        guard mask != .null else { return (try RecordedReceipt(sent, path: "receipt"), nil) }
        try PromptsRequest.checkRuns(mask, path: "receipt.request.prompts.mask")
        return try await imaging.run { [memory = configuration.answerMemory] in
            let receipt = try RecordedReceipt(sent, path: "receipt")
            return (
                receipt,
                try memory.claim(maskPrompt: receipt.options.prompts.mask, field: "receipt.request.prompts.mask")
            )
        }
    }

    /// - Parameter changes: In the answer, that its receipt does not tell.
    private static func compare(
        _ recorded: RecordedReceipt, _ again: Receipt, _ changes: [ReceiptDifference]
    ) -> Response {
        var differences = ReceiptDifference.all(recorded: recorded.json, here: again.json)
        guard recorded.isUnchanged else {
            differences.insert(
                ReceiptDifference(
                    field: "receipt_sha256", recorded: .optional(recorded.sha256), here: .string(recorded.ownSHA256)),
                at: 0)
            return verdict(
                matches: false, differences, note: "the receipt is not the one that the answer's hash was taken of",
                again: again)
        }
        guard changes.isEmpty else {
            return verdict(
                matches: false, changes + differences,
                note:
                    "the answer was changed beside its receipt: what is listed first is not what the receipt's masks are",
                again: again)
        }
        let hashes = ["mask_sha256", "masks_sha256", "label_map_sha256"]
        let matches = hashes.allSatisfy { recorded.json[$0] == again.json[$0] }
        let note =
            switch (matches, differences.isEmpty) {
            case (true, true):
                "the masks are the same bit for bit, and so is the receipt; scores and metrics beside it are not looked at"
            case (true, false): "the masks are the same bit for bit, though made under the conditions listed"
            case (false, _):
                differences.allSatisfy { hashes.contains($0.field) }
                    ? "the masks differ, and nothing that the receipt names explains it: was it changed?"
                    : "the masks differ; the conditions that differ are listed"
            }
        return verdict(matches: matches, differences, note: note, again: again)
    }

    private static func verdict(
        matches: Bool, _ differences: [ReceiptDifference], note: String, again: Receipt?
    ) -> Response {
        .json([
            "matches": .bool(matches), "note": .string(note), "differences": .array(differences.map(\.json)),
            "receipt": again?.json ?? .null, "receipt_sha256": .optional(again?.sha256),
        ])
    }

    /// Who answered then, found again by hash.
    private func plan(
        _ receipt: RecordedReceipt, image: OpenedImage, for identity: Identity
    ) async throws -> SegmentPlan {
        guard let served = models.weights(receipt.model) else {
            throw Problem(
                .modelUnavailable,
                "the receipt's model \(receipt.modelName.map { "\"\($0)\" " } ?? "")with the weights "
                    + "\(receipt.model.prefix(12))… is not loaded; this server has \(models.names.joined(separator: ", "))",
                field: "receipt.model.sha256",
                hint: "start the server with the file of these weights as well: --model other=FILE",
                extensions: [.init("available", .array(models.names.map { .string($0) }))])
        }
        let (tier, task) = try await tier(receipt, served, for: identity)
        // One label has a name that no receipt tells, and none that a mask depends on.
        let labels = receipt.labels.isBinary ? TaskLabels(task?.labels ?? []) : receipt.labels
        guard task == nil || labels.labels.map(\.value) == task?.labels.map(\.value) else {
            throw Problem.invalid(
                "receipt.labels", "the task has other labels than the receipt",
                hint: "send the receipt as it was; a task's labels never change")
        }
        return SegmentPlan(
            task: task, served: served, tier: tier, image: image, options: receipt.options, labels: labels,
            asked: try labels.asked(receipt.options, path: "receipt.request.prompts"),
            profile: try await profile(of: task, served, tier, receipt.options))
    }

    private func tier(
        _ receipt: RecordedReceipt, _ served: ServedModel, for identity: Identity
    ) async throws -> (Tier, TaskRecord?) {
        guard let hash = receipt.adapter else {
            let task: TaskRecord? = try receipt.task.flatMap { id in
                if let task = try store.task(id), identity.maySee(task) { return task }
                guard receipt.isPromptless else { return nil }
                throw Problem.notFound(
                    "task", id, field: "receipt.task",
                    hint: "it was deleted with its support set, which the answer depends on")
            }
            return (.base(reason: "the receipt says so"), task)
        }
        // The same adapter may be in several tasks; only those that are seen count.
        let tasks = try store.adapters(sha256: hash).compactMap { version in
            try self.store.task(version.task).map { (version, $0) }
        }
        let seen = tasks.filter { identity.maySee($0.1) }
        // Without a prompt the answer depends on the task's support set as well.
        guard let (version, task) = seen.first(where: { $0.1.id == receipt.task }) ?? seen.first else {
            throw Problem.notFound(
                "adapter", hash, field: "receipt.adapter_sha256",
                hint: receipt.isPromptless
                    ? "it was deleted with its task and the support set, which the answer depends on as well"
                    : "it was deleted with its task; import its file as a task, then verify again")
        }
        guard task.model == served.model.sha256 else {
            throw Problem.invalid(
                "receipt.model.sha256", "the receipt's adapter was made for other weights than its model",
                hint: "send the receipt as it was")
        }
        return (.adapted(try await load(version, for: served.model)), task)
    }
}
