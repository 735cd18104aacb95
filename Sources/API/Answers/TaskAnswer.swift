import Adaptation
import Jobs
import SegmentAnything
import Storage

/// A task as its reader sees it.
extension Service {
    func answer(for task: TaskRecord) throws -> JSON { try answer(for: task, withSupport: false) }

    func answer(for task: TaskRecord, withSupport: Bool) throws -> JSON {
        let settings = JSON.stored(task.settingsJSON)
        let versions = try store.adapters(of: task.id)
        let idle = Self.idleReason(versions.first { $0.version == task.servedAdapter })
        var members: [JSON.Member] = [
            .init("id", .string(task.id)),
            .init("name", .string(task.name)),
            .init("labels", .array(task.labels.map { .string($0.name) })),
        ]
        if !TaskLabels(task.labels).isBinary {
            members.append(.init("label_values", .array(task.labels.map { .integer($0.value) })))
        }
        members += [
            .init("spacing_mm", task.spacing.map { [.number($0.x), .number($0.y)] } ?? .null),
            .init("created_at", .string(task.created.rfc3339)),
            .init("state", .string(task.state.rawValue)),
            .init("tier", .string(idle == nil && task.servedAdapter != nil ? "adapted" : "base")),
            .init("tier_reason", .optional(task.servedAdapter == nil ? try baseReason(task) : idle)),
            .init(
                "model",
                [
                    "name": .optional(models.weights(task.model)?.name ?? settings["model"]?.stringValue),
                    "sha256": .string(task.model), "served": .bool(models.weights(task.model) != nil),
                ]),
            .init("adapter", settings["adapter"] ?? .null),
            .init("adaptation", settings["adaptation"] ?? .null),
            .init("served_version", .optional(task.servedAdapter)),
            .init("held_out", StoredHeldOut(shown(versions, of: task)?.heldOutJSON)?.answer ?? .null),
            .init("held_out_reason", .optional(try heldOutReason(task, versions))),
            .init("versions", .array(versions.map { Self.json($0, served: task.servedAdapter) })),
            .init("job", .optional(task.latestJob)),
            .init("support_count", .integer(task.supportCount)),
        ]
        if withSupport {
            members.append(
                .init(
                    "support",
                    .array(
                        try store.support(of: task.id).map {
                            [
                                "stem": .string($0.stem), "width": .integer($0.width), "height": .integer($0.height),
                                "image_sha256": .string($0.imageHash), "mask_sha256": .string($0.maskHash),
                            ]
                        })))
        }
        return .object(members)
    }

    /// Why a version that was chosen answers nothing; nil where it answers something.
    private static func idleReason(_ served: AdapterVersion?) -> String? {
        guard let served, let heldOut = StoredHeldOut(served.heldOutJSON),
            HeldOutScorer.kinds.allSatisfy({ heldOut.refusal($0) != nil })
        else { return nil }
        return "version \(served.version) was chosen, but its held-out scores let it answer no kind of prompt; "
            + "?adapter=\(served.version) insists on it"
    }

    /// The version whose scores are shown: the one that is served, or the last one that was not.
    private func shown(_ versions: [AdapterVersion], of task: TaskRecord) -> AdapterVersion? {
        versions.last { $0.version == task.servedAdapter } ?? versions.last
    }

    /// Why there are no held-out scores; nil when there are some.
    private func heldOutReason(_ task: TaskRecord, _ versions: [AdapterVersion]) throws -> String? {
        guard let version = shown(versions, of: task) else { return try baseReason(task) }
        return HeldOutAnswer.unvalidated(version)
    }

    private static func json(_ version: AdapterVersion, served: Int?) -> JSON {
        [
            "version": .integer(version.version), "served": .bool(version.version == served),
            "sha256": .string(version.sha256), "bytes": .integer(version.file.byteCount),
            "created_at": .string(version.created.rfc3339), "card": .stored(version.cardJSON),
            "held_out": StoredHeldOut(version.heldOutJSON)?.answer ?? .null,
        ]
    }

    /// Why the base model answers for `task`, in words.
    func baseReason(_ task: TaskRecord) throws -> String {
        switch task.state {
        case .queued: return "the adaptation is waiting for its turn"
        case .adapting: return "the adapter is being trained"
        case .cancelled: return "the adaptation was cancelled"
        case .failed:
            let failure = try task.latestJob.flatMap { try jobs.job($0) }?.failure
            return "the adaptation failed" + (failure.map { ": \($0.message)" } ?? "")
        case .ready:
            let versions = try store.adapters(of: task.id)
            guard let last = versions.last else { return "the task has no adapter" }
            if versions.contains(where: { StoredHeldOut($0.heldOutJSON)?.isServed == true }) {
                return "the base model was chosen to answer; PUT served_version has a version answer"
            }
            return StoredHeldOut(last.heldOutJSON)?.reason ?? "the adapter was set aside"
        }
    }
}
