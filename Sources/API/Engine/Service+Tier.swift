import Adaptation
import SegmentAnything
import Storage

/// Who answers for a task.
extension Service {
    /// The adapter served for `task`, loaded and checked against the model, or the reason why the base model answers.
    func tier(of task: TaskRecord) async throws -> Tier {
        guard task.model == model.sha256 else {
            return .base(reason: "the task was adapted for another model than the one this server has loaded")
        }
        guard let served = task.servedAdapter else { return .base(reason: try baseReason(task)) }
        guard let version = try store.adapter(of: task.id, version: served) else {
            return .base(reason: "the adapter was deleted")
        }
        let path = try store.localPath(version.file)
        let (adapter, _) = try await adapters.value(for: version.sha256) { [decoding, model] in
            let adapter = try await decoding.run { try Adapter.load(path: path, for: model) }
            return .init(adapter, byteCount: adapter.byteCount)
        }
        return .adapted(ServedAdapter(version: version.version, adapter: adapter))
    }
}
