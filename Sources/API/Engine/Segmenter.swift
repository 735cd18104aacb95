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

    init(model: SegmentAnythingModel, tier: Tier, profile: SupportProfile?) {
        let adapter = tier.adapter?.adapter
        reader = PromptlessReader(
            Predictor(model, adjustment: adapter?.adjustment ?? .none), isAdapted: adapter != nil)
        self.profile = profile
    }

    func masks(_ embedding: ImageEmbedding, _ options: SegmentOptions) throws(PromptError) -> Segmented {
        let prompts = options.prompts.prompts(for: reader.predictor.model.configuration)
        if options.multimask {
            let ranked = try reader.predictor.predict(embedding, prompts, multimask: true)
            var masks: [SegmentedMask] = []
            for (index, candidates) in ranked.enumerated() {
                for (rank, answer) in candidates.enumerated() {
                    // What was asked for is already the choice that uncertainty would describe.
                    masks.append(mask(answer, prompt: index, candidate: rank, spread: nil))
                }
            }
            return Segmented(masks: masks, promptless: options.prompts.isEmpty ? .model : nil)
        }
        if options.prompts.isEmpty { return try promptless(embedding, options) }
        let answers = try reader.predictions(embedding, prompts)
        var masks: [SegmentedMask] = []
        for (index, answer) in answers.enumerated() {
            let spread =
                options.uncertainty ? try reader.spread(answer, given: prompts[index], embedding) : nil
            masks.append(mask(answer, prompt: index, candidate: 0, spread: spread))
        }
        return Segmented(masks: masks, promptless: nil)
    }

    private func promptless(
        _ embedding: ImageEmbedding, _ options: SegmentOptions
    ) throws(PromptError) -> Segmented {
        let found = profile.flatMap { $0.presence(embedding) }
        if let found, !found.isThere {
            let empty = Mask(empty: embedding.geometry.originalWidth, height: embedding.geometry.originalHeight)
            let mask = SegmentedMask(
                prompt: 0, candidate: 0, instance: nil, mask: empty, score: found.score, isFound: false, spread: nil)
            return Segmented(masks: [mask], promptless: profile?.route)
        }
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
