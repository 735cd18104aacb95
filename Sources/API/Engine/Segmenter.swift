import Adaptation
import Imaging
import Metrics
import SegmentAnything

/// One mask of an answer.
struct SegmentedMask: Sendable {
    /// Which prompt it answers, counted from 0: the box's index, or 0.
    let prompt: Int
    /// 0 but with `multimask`, where the candidates of a prompt are ranked by score.
    let candidate: Int
    /// Which of several objects it is, counted from 0; nil unless `instances` asked for them.
    let instance: Int?
    let mask: Mask
    /// An estimate of its intersection over union, within 0…1; of an object that is not there, that of its being there.
    let score: Double
    /// False: the object is not in the image, and the mask is empty.
    let isFound: Bool
    /// When the request asked for it.
    let spread: MaskSpread?
}

/// What an answer says beside its masks.
struct Segmented: Sendable {
    let masks: [SegmentedMask]
    /// How it was come by without a prompt; nil with one.
    let promptless: PromptlessRoute?
}

/// From an embedding and prompts to masks at the image's size: the cheap half of a request, a few milliseconds.
struct Segmenter: Sendable {
    private let reader: PromptlessReader
    private let profile: SupportProfile?
    private let tiling: Tiling?

    init(model: SegmentAnythingModel, tier: Tier, profile: SupportProfile?) {
        tiling = tier.adapter?.adapter.card.tiling
        let adapter = tier.adapter?.adapter
        reader = PromptlessReader(
            Predictor(model, adjustment: adapter?.adjustment ?? .none), isAdapted: adapter != nil)
        self.profile = profile
    }

    /// - Parameter views: What the prompts are answered on.
    func masks(_ views: PromptViews, _ options: SegmentOptions) throws -> Segmented {
        if let tiling { return try tiled(views, tiling, options) }
        let prompts = views.prompts
        if options.multimask {
            var ranked = [[MaskPrediction]](repeating: [], count: prompts.count)
            for (embedding, members) in views.groups {
                let answers = try reader.predictor.predict(
                    embedding, members.map { prompts[$0] }, multimask: true)
                for (member, candidates) in zip(members, answers) { ranked[member] = candidates }
            }
            var masks: [SegmentedMask] = []
            for (index, candidates) in ranked.enumerated() {
                for (rank, answer) in candidates.enumerated() {
                    // What was asked for is already the choice that uncertainty would describe.
                    masks.append(mask(answer, prompt: index, candidate: rank, spread: nil))
                }
            }
            return Segmented(masks: masks, promptless: options.prompts.isEmpty ? .model : nil)
        }
        if options.prompts.isEmpty { return try promptless(views.reference, options) }
        var masks: [SegmentedMask] = []
        for (embedding, members) in views.groups {
            let answers = try reader.predictions(embedding, members.map { prompts[$0] })
            for (index, answer) in zip(members, answers) {
                let spread =
                    options.uncertainty ? try reader.spread(answer, given: prompts[index], embedding) : nil
                masks.append(mask(answer, prompt: index, candidate: 0, spread: spread))
            }
        }
        return Segmented(masks: masks.sorted { $0.prompt < $1.prompt }, promptless: nil)
    }

    /// Every prompt on all tiles that it concerns.
    private func tiled(_ views: PromptViews, _ tiling: Tiling, _ options: SegmentOptions) throws -> Segmented {
        if options.prompts.isEmpty, let absent = absent(views.reference) { return absent }
        let geometry = views.reference.geometry
        let image = TiledImage(
            width: geometry.originalWidth, height: geometry.originalHeight, tiling: tiling, by: reader.predictor
        ) { window in
            guard let tile = views.tiles[window] else { preconditionFailure("a tile that no prompt concerns") }
            return tile
        }
        if options.instances {
            let found = InstanceFinder.pieces(of: try image.segment(.none))
            return Segmented(masks: found.enumerated().map { instance($1, $0) }, promptless: profile?.route ?? .model)
        }
        let masks = try views.prompts.enumerated().map { index, prompt in
            // The mask goes to the tiles as it is, not as the coarse logits of the whole.
            var prompt = prompt
            prompt.maskLogits = nil
            let answer = try image.segment(prompt, mask: options.prompts.mask)
            let spread =
                options.uncertainty
                ? try image.spread(answer, given: prompt, mask: options.prompts.mask) : nil
            return mask(answer, prompt: index, candidate: 0, spread: spread)
        }
        return Segmented(masks: masks, promptless: options.prompts.isEmpty ? profile?.route ?? .model : nil)
    }

    /// The answer that the object is not in the image; nil when it is, or nobody can tell.
    private func absent(_ embedding: ImageEmbedding) -> Segmented? {
        guard let found = profile.flatMap({ $0.presence(embedding) }), !found.isThere else { return nil }
        let empty = Mask(empty: embedding.geometry.originalWidth, height: embedding.geometry.originalHeight)
        let mask = SegmentedMask(
            prompt: 0, candidate: 0, instance: nil, mask: empty, score: found.score, isFound: false, spread: nil)
        return Segmented(masks: [mask], promptless: profile?.route)
    }

    private func promptless(
        _ embedding: ImageEmbedding, _ options: SegmentOptions
    ) throws(PromptError) -> Segmented {
        if let absent = absent(embedding) { return absent }
        if options.instances { return try instances(embedding) }
        let (answer, given) = try reader.answer(.none, embedding, profile)
        let spread = options.uncertainty ? try reader.spread(answer, given: given, embedding) : nil
        return Segmented(
            masks: [mask(answer, prompt: 0, candidate: 0, spread: spread)], promptless: profile?.route ?? .model)
    }

    /// Every object by itself: no mask at all when there is none.
    private func instances(_ embedding: ImageEmbedding) throws(PromptError) -> Segmented {
        let finder = InstanceFinder(reader)
        guard let profile else {
            let found = try finder.everything(embedding)
            return Segmented(masks: found.enumerated().map { instance($1, $0) }, promptless: nil)
        }
        let (whole, _) = try reader.answer(.none, embedding, profile)
        let found = try finder.instances(embedding, within: whole)
        return Segmented(masks: found.enumerated().map { instance($1, $0) }, promptless: profile.route)
    }

    private func instance(_ answer: MaskPrediction, _ index: Int) -> SegmentedMask {
        mask(answer, prompt: 0, candidate: 0, instance: index, spread: nil)
    }

    private func mask(
        _ answer: MaskPrediction, prompt: Int, candidate: Int, instance: Int? = nil, spread: MaskSpread?
    ) -> SegmentedMask {
        // The head is a regression and may leave 0…1 by a little.
        let score = Double(answer.predictedIoU)
        let mask = answer.mask()
        return SegmentedMask(
            prompt: prompt, candidate: candidate, instance: instance, mask: mask,
            score: score.isFinite ? min(max(score, 0), 1) : 0,
            isFound: !mask.isEmpty, spread: spread)
    }
}

extension [SegmentedMask] {
    /// The best mask of each prompt, united: what `image/png` and the metrics show.
    func merged(width: Int, height: Int) -> Mask {
        let best = filter { $0.candidate == 0 }
        guard best.count > 1 else { return best.first?.mask ?? Mask(empty: width, height: height) }
        var pixels = [UInt8](repeating: 0, count: width * height)
        for mask in best {
            for (index, pixel) in mask.mask.pixels.enumerated() where pixel != 0 { pixels[index] = 1 }
        }
        return Mask(width: width, height: height, pixels: pixels)
    }
}
