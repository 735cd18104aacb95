import Adaptation
import Imaging
import SegmentAnything
import Storage
import Tensor

/// From a plan to masks: what segmenting and verifying have in common.
extension Service {
    /// Makes the plan's masks, and gives them to `finish` on the queue of mask work.
    ///
    /// - Parameter hasTruth: Whether `finish` compares them with a ground truth.
    func masks<Result: Sendable>(
        _ plan: SegmentPlan, hasTruth: Bool = false, watch: Stopwatch,
        finish: @escaping @Sendable (Segmented, ImageEmbedding, CacheOutcome, Stopwatch) throws -> Result
    ) async throws -> Result {
        let (image, options, model) = (plan.image, plan.options, plan.served.model)
        try options.prompts.check(width: image.width, height: image.height, path: "prompts")
        guard plan.tiling == nil || !options.multimask else {
            throw Problem.invalid(
                "multimask", "the adapter answers in tiles, and candidates of different tiles make no whole",
                hint: "leave \"multimask\" out: an adapter is trained on one mask a prompt anyway")
        }
        let room = try configuration.answerMemory.claim(
            AnswerSize.masks(plan, hasTruth: hasTruth),
            for: "what is asked of an image of \(image.width) × \(image.height) pixels", field: image.field)
        defer { withExtendedLifetime(room) {} }
        let prompts = options.prompts.prompts(for: model.configuration)
        var watch = watch
        var (views, outcome) = try await embed(plan, for: prompts)
        if options.flips {
            let other = try await embed(
                plan, for: options.prompts.mirrored(width: image.width).prompts(for: model.configuration),
                isMirrored: true)
            views = views.with(mirrored: other.views)
            outcome = outcome.joined(other.outcome)
        }
        watch.lap("embed")
        return try await clicks.interactive {
            try await decoding.run { [watch, views, outcome] in
                let segmented = try Segmenter(model: model, tier: plan.tier, profile: plan.profile)
                    .masks(views, options, of: plan.asked)
                var lap = watch
                lap.lap("predict")
                return try finish(segmented, views.reference, outcome, lap)
            }
        }
    }

    /// Embeds each part of the image that a prompt is answered on, once, and all of it where more than the prompts ask for it. Where that
    /// takes answers, the last ones come with it.
    private func embed(
        _ plan: SegmentPlan, for prompts: [Prompt], isMirrored: Bool = false
    ) async throws -> (views: PromptViews, outcome: CacheOutcome) {
        let (image, model) = (plan.image, plan.served.model)
        if let tiling = plan.tiling {
            return try await embedTiles(plan, tiling, for: prompts, isMirrored: isMirrored)
        }
        var made: [PixelBox?: ImageEmbedding] = [:]
        var outcome = CacheOutcome.cached
        func take(_ window: PixelBox?) async throws -> ImageEmbedding {
            if let known = made[window] { return known }
            let (embedding, how) = try await embed(
                image, window: window, isMirrored: isMirrored, model: model, tier: plan.tier)
            made[window] = embedding
            outcome = outcome.joined(how)
            return embedding
        }
        let isAdapted = plan.tier.adapter != nil
        // Of a model that looks closely, without an adapter: its answers come in several steps, and are known at their end.
        let predictor = isAdapted || model.configuration.focusedBoxes != true ? nil : Predictor(model)
        func decode<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
            try await clicks.interactive { try await decoding.run(work) }
        }
        var asked: [(prompt: Prompt, embedding: ImageEmbedding)] = []
        var answers: [(seen: MaskPrediction, final: MaskPrediction)] = []
        var tilesLeft = Tiling.limit
        for prompt in prompts {
            // Candidates are of the whole image: which of them is meant, and so where to look closer, is for the caller to say.
            guard !plan.options.multimask || prompt.box != nil else {
                asked.append((prompt, try await take(nil)))
                continue
            }
            var inquiry = try Inquiry(
                prompt, width: image.width, height: image.height, model: model.configuration, isAdapted: isAdapted)
            while let predictor, !inquiry.isLast {
                let embedding = try await take(inquiry.window)
                inquiry = try await decode { [inquiry] in
                    var next = inquiry
                    next.take(try predictor.answer(inquiry, on: embedding))
                    return next
                }
            }
            let embedding = try await take(inquiry.window)
            asked.append((inquiry.prompt, embedding))
            // Without a prompt a task's support set has a say.
            guard let predictor, !plan.options.multimask, !plan.options.instances,
                prompt != .none || plan.profile == nil
            else { continue }
            let (seen, thin) = try await decode { [inquiry] in
                let seen = try predictor.segment(embedding, [inquiry.prompt])[0]
                return (seen, Closeup(of: seen, to: inquiry.prompt, by: predictor))
            }
            // So that a request with many boxes costs no more than one in tiles.
            guard var closeup = thin, closeup.count <= tilesLeft else {
                answers.append((seen, seen))
                continue
            }
            tilesLeft -= closeup.count
            while let question = closeup.question {
                // Not kept for other prompts: a request with many boxes would hold a great many.
                let (part, how) = try await embed(
                    image, window: question.window, isMirrored: isMirrored, model: model, tier: plan.tier)
                outcome = outcome.joined(how)
                closeup = try await decode { [closeup] in
                    var next = closeup
                    next.take(try predictor.segment(part, [question.prompt])[0])
                    return next
                }
            }
            answers.append((seen, closeup.answer))
        }
        // A profile says how far the whole image is from the support set.
        if plan.profile != nil, !isMirrored { _ = try await take(nil) }
        let views = PromptViews(asked.map(\.prompt), asked.map(\.embedding), whole: made[nil]).with(answers: answers)
        var base: ImageEmbedding?
        if plan.isSeenByBaseToo {
            let (embedding, how) = try await embed(
                image, window: nil, isMirrored: isMirrored, model: model, tier: .model)
            base = embedding
            outcome = outcome.joined(how)
        }
        return (views.with(base: base, byPixels: try await answerByPixels(plan, isMirrored: isMirrored)), outcome)
    }

    /// Embeds the tiles that a prompt concerns, one after the other, so that memory is that of one pass and the embeddings.
    private func embedTiles(
        _ plan: SegmentPlan, _ tiling: Tiling, for prompts: [Prompt], isMirrored: Bool
    ) async throws -> (views: PromptViews, outcome: CacheOutcome) {
        let (image, model) = (plan.image, plan.served.model)
        let windows = plan.windows(tiling, for: prompts)
        var tiles: [PixelBox: ImageEmbedding] = [:]
        var outcome = CacheOutcome.cached
        func take(_ window: PixelBox?) async throws -> ImageEmbedding {
            let (embedding, how) = try await embed(
                image, window: window, isMirrored: isMirrored, model: model, tier: plan.tier)
            outcome = outcome.joined(how)
            return embedding
        }
        for window in windows { tiles[window] = try await take(window) }
        // A profile says how far the whole image is from the support set.
        // Of the mirror image it says no more than whether the object is there.
        let isWanted = plan.profile != nil && (!isMirrored || plan.options.prompts.isEmpty)
        let whole = isWanted ? try await take(nil) : nil
        guard let reference = whole ?? windows.first.flatMap({ tiles[$0] }) else {
            preconditionFailure("every prompt concerns a tile: they cover the image")
        }
        return (PromptViews(prompts, tiles: tiles, reference: reference), outcome)
    }

    /// What is known of a task's support set.
    ///
    /// A request without a prompt and one for its uncertainty cannot do without, and wait. Any other only says how far the
    /// image is from the set, and takes what is there: a job makes the profile first of all, so that it soon is.
    func profile(
        of task: TaskRecord?, _ served: ServedModel, _ tier: Tier, _ options: SegmentOptions
    ) async throws -> TaskProfile? {
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
            return try await imaging.run { [limits = configuration.imageLimits, memory = configuration.answerMemory] in
                let (raw, room) = try upload.decode(limits: limits) { width, height throws(Problem) in
                    try memory.claim(
                        AnswerSize.image(width: width, height: height),
                        for: "an image of \(width) × \(height) pixels", field: upload.field)
                }
                return OpenedImage(raw, room: room)
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
        _ image: OpenedImage, window: PixelBox?, isMirrored: Bool, model: SegmentAnythingModel, tier: Tier
    ) async throws -> (value: ImageEmbedding, outcome: CacheOutcome) {
        let key = EmbeddingKey(
            pixels: image.hash, preprocessing: Preprocessing.version, model: model, adapter: tier.adapter,
            window: window, isMirrored: isMirrored)
        return try await embeddings.value(for: key) {
            [self, encoding, clicks] in
            let pixels = try await pixels(image, isMirrored: isMirrored)
            // Through the base model when the adapter leaves the encoder alone, as the key says.
            let predictor = Predictor(
                model, adjustment: key.adapter == nil ? .none : tier.adapter?.adapter.adjustment ?? .none)
            let embedding = try await encoding.run {
                Threads.givingWay(to: clicks) { predictor.embed(pixels, window: window) }
            }
            return .init(embedding, byteCount: embedding.byteCount)
        }
    }

    /// Where they answer in place of the model: work as long as the encoder's, and done where that is.
    private func answerByPixels(_ plan: SegmentPlan, isMirrored: Bool) async throws -> MaskPrediction? {
        guard let prototypes = plan.pixelPrototypes else { return nil }
        let pixels = try await pixels(plan.image, isMirrored: isMirrored)
        return try await encoding.run { [clicks] in
            Threads.givingWay(to: clicks) { prototypes.prediction(pixels) }
        }
    }

    private func pixels(_ image: OpenedImage, isMirrored: Bool) async throws -> RGBImage {
        try await imaging.run { [limits = configuration.imageLimits, memory = configuration.answerMemory] in
            let pixels = try image.rgb(limits: limits, memory: memory)
            return isMirrored ? pixels.flippedHorizontally() : pixels
        }
    }
}
