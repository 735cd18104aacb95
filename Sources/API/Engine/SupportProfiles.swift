import Adaptation
import Basics
import Cryptography
package import Imaging
import SegmentAnything
package import Storage
import Tensor

/// What is known of tasks' support sets (`SupportProfile`): made from the stored examples when first wanted, and kept in
/// memory. The same examples, model and adapter give the same profile, so nothing of it need be written down.
package final class SupportProfiles: Sendable {
    struct Key: Hashable {
        let task: String
        /// SHA-256 of the hashes of all examples, in order.
        let support: String
        let model: String
        /// Hash of the adapter; nil for the base model.
        let adapter: String?
    }

    private let cache: SharedCache<Key, TaskProfile>
    private let imageLimits: ImageLimits
    private let store: any Store

    package init(store: any Store, imageLimits: ImageLimits, byteCapacity: Int = 64 << 20) {
        self.store = store
        self.imageLimits = imageLimits
        cache = SharedCache(byteCapacity: byteCapacity)
    }

    func key(_ support: [SupportExample], task: String, model: SegmentAnythingModel, tier: Tier) -> Key {
        var hash = SHA256()
        for example in support {
            hash.update(Array(example.imageHash.utf8))
            hash.update(Array(example.maskHash.utf8))
        }
        return Key(
            task: task, support: Hex.string(hash.finalize()), model: model.sha256,
            adapter: tier.adapter?.adapter.sha256)
    }

    /// The profile of `task` for `tier`; nil when the task has no examples (its adapter was imported).
    ///
    /// - Parameter run: Runs the work where the encoder works.
    func profile(
        of task: TaskRecord, model: SegmentAnythingModel, tier: Tier,
        run: @Sendable (@escaping @Sendable () throws -> TaskProfile) async throws -> TaskProfile
    ) async throws -> TaskProfile? {
        let support = try self.support(of: task, for: tier)
        guard !support.isEmpty else { return nil }
        let key = key(support, task: task.id, model: model, tier: tier)
        return try await cache.value(for: key) {
            let profile = try await run { [self] in
                try make(support, task, model: model, tier: tier) {}
            }
            return .init(profile, byteCount: profile.byteCount)
        }.value
    }

    /// The profile if it is there already.
    func existing(of task: TaskRecord, model: SegmentAnythingModel, tier: Tier) throws -> TaskProfile? {
        let support = try self.support(of: task, for: tier)
        return support.isEmpty ? nil : cache.existing(key(support, task: task.id, model: model, tier: tier))
    }

    /// For a job, which has the time: makes the profile unless it is there.
    func prepare(
        _ support: [SupportExample], task: TaskRecord, model: SegmentAnythingModel, tier: Tier,
        pause: () throws -> Void
    ) throws {
        let key = key(support, task: task.id, model: model, tier: tier)
        guard !support.isEmpty, cache.existing(key) == nil else { return }
        let profile = try withoutActuallyEscaping(pause) { pause in
            try make(support, task, model: model, tier: tier, pause: pause)
        }
        cache.insert(.init(profile, byteCount: profile.byteCount), for: key)
        // It may have been deleted while this was made.
        if try store.task(task.id) == nil { remove(task: task.id) }
    }

    /// The examples that a profile is of: those of an adapter that was made here are the ones that taught it, which the support set only
    /// grows beyond.
    private func support(of task: TaskRecord, for tier: Tier) throws -> [SupportExample] {
        let all = try store.support(of: task.id)
        return tier.adapter?.supportCount.map { Array(all.prefix(max(0, $0))) } ?? all
    }

    func remove(task: String) { cache.remove { $0.task == task } }

    private func make(
        _ support: [SupportExample], _ task: TaskRecord, model: SegmentAnythingModel, tier: Tier,
        pause: @escaping () throws -> Void
    ) throws -> TaskProfile {
        let labels = TaskLabels(task.labels)
        let isHelped = tier.adapter?.isHelped ?? false
        let likenesses = isHelped ? try likenesses(support, task, model: model, pause: pause) : []
        let examples = try support.map { example in
            try pause()
            return Example(
                image: RGBImage(try decode(example.image, "image[\(example.index)]"), window: Preprocessing.window),
                labels: try labels.stored(
                    try decode(example.mask, "mask[\(example.index)]"), field: "mask[\(example.index)]"))
        }
        let adapter = tier.adapter?.adapter
        let predictor = LabelledPredictor(model, adjustments: adapter?.adjustments ?? [.none])
        let profiler = SupportProfiler(
            predictor, isAdapted: adapter != nil, likenesses: likenesses, tiling: adapter?.card.tiling,
            isCalibrated: tier.adapter?.heldOut?.isCalibrated ?? false, pause: pause)
        return TaskProfile(try profiler.profiles(examples, labelCount: labels.count))
    }

    /// By label, what the base model's profile finds alike.
    private func likenesses(
        _ support: [SupportExample], _ task: TaskRecord, model: SegmentAnythingModel,
        pause: @escaping () throws -> Void
    ) throws -> [Likeness?] {
        let key = key(support, task: task.id, model: model, tier: .model)
        if let known = cache.existing(key) { return known.likenesses }
        let made = try make(support, task, model: model, tier: .model, pause: pause)
        cache.insert(.init(made, byteCount: made.byteCount), for: key)
        return made.likenesses
    }

    private func decode(_ file: StoredFile, _ field: String) throws -> RawImage {
        let path = try store.localPath(file)
        do {
            return try ImageDecoder.decode(path: path, limits: imageLimits)
        } catch {
            throw Problem(error, field: field, name: "the stored file of \(field)")
        }
    }
}

extension SupportProfile {
    /// Memory that keeping it costs.
    var byteCount: Int {
        let floats =
            distance.descriptors.reduce(0) { $0 + $1.count } + (prototypes?.direction.count ?? 0)
            + (likeness?.prototypes.direction.count ?? 0)
            + (pixels?.prototypes.direction.count ?? 0)
        return 4 * floats + 1_024
    }

    /// SHA-256 of all that an answer without a prompt depends on: for its receipt.
    var sha256: String {
        var text = "\(route.rawValue)"
        if isUnknown { text += " unknown" }
        if let presence { text += " \(presence.tokenCount) \(presence.threshold) \(presence.scale)" }
        if let debris { text += " \(debris.limit)" }
        if let prototypes { text += " \(prototypes.offset) \(prototypes.direction)" }
        if let likeness { text += " \(likeness.prototypes.offset) \(likeness.prototypes.direction)" }
        if let pixels {
            text += " \(pixels.channel) \(pixels.reduction) \(pixels.prototypes.offset) \(pixels.prototypes.direction)"
        }
        return SHA256.hex(Array(text.utf8))
    }
}
