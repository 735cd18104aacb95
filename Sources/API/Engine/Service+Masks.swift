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
        let prompts = options.prompts.prompts(for: model.configuration)
        var watch = watch
        let (embeddings, outcome) = try await embed(plan, for: prompts)
        watch.lap("embed")
        return try await clicks.interactive {
            try await decoding.run { [watch] in
                let masks = try Segmenter(model: model, tier: plan.tier).masks(
                    embeddings, prompts: prompts, multimask: options.multimask)
                var lap = watch
                lap.lap("predict")
                return try finish(masks, outcome, lap)
            }
        }
    }

    /// What each prompt is answered on: the image, or the part of it about a box (`Focus`), each embedded once.
    private func embed(
        _ plan: SegmentPlan, for prompts: [Prompt]
    ) async throws -> (embeddings: [ImageEmbedding], outcome: CacheOutcome) {
        let (image, model) = (plan.image, plan.served.model)
        let windows = prompts.map { prompt in
            Focus.window(for: prompt, width: image.width, height: image.height, model: model.configuration)
        }
        var made: [PixelBox?: ImageEmbedding] = [:]
        var outcome = CacheOutcome.cached
        for window in windows where made[window] == nil {
            let (embedding, how) = try await embed(image, window: window, model: model, tier: plan.tier)
            made[window] = embedding
            // Of several, the one that took the longest.
            outcome = outcome == .computed ? outcome : how == .cached ? outcome : how
        }
        return (windows.compactMap { made[$0] }, outcome)
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
        _ image: OpenedImage, window: PixelBox?, model: SegmentAnythingModel, tier: Tier
    ) async throws -> (value: ImageEmbedding, outcome: CacheOutcome) {
        let key = EmbeddingKey(
            pixels: image.hash, preprocessing: Preprocessing.version, model: model, adapter: tier.adapter,
            window: window)
        return try await embeddings.value(for: key) {
            [imaging, encoding, clicks, limits = configuration.imageLimits] in
            let pixels = try await imaging.run { try image.rgb(limits: limits) }
            // Through the base model when the adapter leaves the encoder alone, as the key says.
            let predictor = Predictor(
                model, adjustment: key.adapter == nil ? .none : tier.adapter?.adapter.adjustment ?? .none)
            let embedding = try await encoding.run {
                Threads.givingWay(to: clicks) { predictor.embed(pixels, window: window) }
            }
            return .init(embedding, byteCount: embedding.byteCount)
        }
    }
}
