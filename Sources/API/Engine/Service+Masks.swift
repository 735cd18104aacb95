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
        finish: @escaping @Sendable ([SegmentedMask], CacheOutcome, Stopwatch) throws -> Result
    ) async throws -> Result {
        let (image, options, model) = (plan.image, plan.options, plan.served.model)
        try options.prompts.check(width: image.width, height: image.height, path: "prompts")
        var watch = watch
        let (embedding, outcome) = try await embed(image, model: model, tier: plan.tier)
        watch.lap("embed")
        return try await clicks.interactive {
            try await decoding.run { [watch] in
                let masks = try Segmenter(model: model, tier: plan.tier).masks(
                    embedding, prompts: options.prompts.prompts(for: model.configuration), multimask: options.multimask)
                var lap = watch
                lap.lap("predict")
                return try finish(masks, outcome, lap)
            }
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
