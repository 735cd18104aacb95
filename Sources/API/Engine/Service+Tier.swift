import Adaptation
import SegmentAnything
import Storage

/// Who answers for a task.
extension Service {
    /// The adapter served for `task`, loaded and checked against the task's `model`, or the reason why the base answers.
    ///
    /// - Parameters:
    ///   - prompt: What is asked with: an adapter answers only the kinds that its folds say it is better at.
    ///   - pinned: A version that the request insists on, whatever its folds say.
    func tier(
        of task: TaskRecord, model: SegmentAnythingModel, prompt: PromptKind, pinned: Int?
    ) async throws -> Tier {
        if let pinned {
            guard let version = try store.adapter(of: task.id, version: pinned) else {
                throw Self.unknownVersion(pinned, of: task.id, field: "query.adapter")
            }
            return .adapted(try await load(version, for: model))
        }
        guard let served = task.servedAdapter else { return .base(reason: try baseReason(task)) }
        guard let version = try store.adapter(of: task.id, version: served) else {
            return .base(reason: "the adapter was deleted")
        }
        if let heldOut = StoredHeldOut(version.heldOutJSON), let refusal = heldOut.refusal(prompt) {
            if prompt == .none, let reason = heldOut.promptlessReason { return .base(reason: reason) }
            return .base(reason: "\(prompt.words) the adapter, version \(served), \(refusal) (on held-out images)")
        }
        return .adapted(try await load(version, for: model))
    }

    /// A version's adapter, read once and kept.
    func load(_ version: AdapterVersion, for model: SegmentAnythingModel) async throws -> ServedAdapter {
        let path = try store.localPath(version.file)
        let (adapter, _) = try await adapters.value(for: version.sha256) { [decoding] in
            let adapter = try await decoding.run { try Adapter.load(path: path, for: model) }
            return .init(adapter, byteCount: adapter.byteCount)
        }
        return ServedAdapter(
            version: version.version, adapter: adapter, heldOut: StoredHeldOut(version.heldOutJSON),
            supportCount: AdapterCardAnswer.isImported(version.cardJSON) ? nil : adapter.card.supportCount,
            isHelped: AdapterCardAnswer.isHelped(version.cardJSON),
            caution: HeldOutAnswer.unvalidated(version))
    }
}

extension ServedModels {
    /// The model that `task` was made with, and keeps for good: an adapter fits no other weights.
    func model(of task: TaskRecord) throws(Problem) -> ServedModel {
        if let served = weights(task.model) { return served }
        let name = (try? TaskSettings(stored: task.settingsJSON))?.model
        let called = name.map { "\"\($0)\" " } ?? ""
        throw Problem(
            .modelUnavailable,
            "the task \(task.id) belongs to the model \(called)with the weights \(task.model.prefix(12))…, "
                + "which this server has not loaded; it has \(names.joined(separator: ", "))",
            field: "task",
            hint:
                "start the server with the file of these weights as well, under a name of its own: "
                + "--model \(names.first ?? "gmiseg-mini") --model other=FILE; or create the task again",
            extensions: [
                .init("model", ["name": .optional(name), "sha256": .string(task.model)]),
                .init("available", .array(names.map { .string($0) })),
            ])
    }
}
