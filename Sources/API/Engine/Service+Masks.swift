import Adaptation
import Imaging
import SegmentAnything
import Storage
import Tensor

/// From a plan to masks: what segmenting and verifying have in common.
extension Service {
    /// Makes the plan's masks, and gives them to `finish` on the queue of mask work.
    func masks<Result: Sendable>(
        _ plan: SegmentPlan, watch: Stopwatch,
        finish: @escaping @Sendable (Segmented, ImageEmbedding, CacheOutcome, Stopwatch) throws -> Result
    ) async throws -> Result {
        let (image, options, model) = (plan.image, plan.options, plan.served.model)
        try options.prompts.check(width: image.width, height: image.height, path: "prompts")
        var watch = watch
        let (embedding, outcome) = try await embed(image, model: model, tier: plan.tier)
        watch.lap("embed")
        return try await clicks.interactive {
            try await decoding.run { [watch] in
                let segmented = try Segmenter(model: model, tier: plan.tier, profile: plan.profile)
                    .masks(embedding, options)
                var lap = watch
                lap.lap("predict")
                return try finish(segmented, embedding, outcome, lap)
            }
        }
    }

    /// What is known of a task's support set.
    ///
    /// A request without a prompt and one for its uncertainty cannot do without, and wait. Any other only says how far the
    /// image is from the set, and takes what is there: a job makes the profile first of all, so that it soon is.
    func profile(
        of task: TaskRecord?, _ served: ServedModel, _ tier: Tier, _ options: SegmentOptions
    ) async throws -> SupportProfile? {
        guard let task else { return nil }
        guard options.prompts.isEmpty || options.uncertainty else {
            return try profiles.existing(of: task, model: served.model, tier: tier)
        }
        return try await profiles.profile(of: task, model: served.model, tier: tier) { [encoding, clicks] work in
            try await encoding.run { try Threads.givingWay(to: clicks, work) }
        }
    }

    /// The image that a request of `identity` names or brings; bytes that do not decode end here.
    func open(_ source: ImageSource, for identity: Identity) async throws -> OpenedImage {
        switch source {
        case .upload(let upload):
            return try await imaging.run { [limits = configuration.imageLimits] in
                OpenedImage(try upload.decode(limits: limits))
            }
        case .stored(let id):
            guard let hash = ImageIdentifier.hash(id),
                let record = try store.image(id, owner: identity.visibleOwner)
            else {
                throw Problem.notFound("image", id, field: "image_id", hint: "upload it with POST /v1/images first")
            }
            // The embedding may be there already, and then nobody needs the pixels.
            return OpenedImage(
                hash: hash, width: record.width, height: record.height, path: try store.localPath(record.file))
        }
    }

    private func embed(
        _ image: OpenedImage, model: SegmentAnythingModel, tier: Tier
    ) async throws -> (value: ImageEmbedding, outcome: CacheOutcome) {
        let key = EmbeddingKey(
            pixels: image.hash, preprocessing: Preprocessing.version, model: model, adapter: tier.adapter)
        return try await embeddings.value(for: key) {
            [imaging, encoding, clicks, limits = configuration.imageLimits] in
            let pixels = try await imaging.run {
                RGBImage(try image.raw(limits: limits), window: Preprocessing.window)
            }
            // Through the base model when the adapter leaves the encoder alone, as the key says.
            let predictor = Predictor(
                model, adjustment: key.adapter == nil ? .none : tier.adapter?.adapter.adjustment ?? .none)
            let embedding = try await encoding.run { Threads.givingWay(to: clicks) { predictor.embed(pixels) } }
            return .init(embedding, byteCount: embedding.byteCount)
        }
    }
}
