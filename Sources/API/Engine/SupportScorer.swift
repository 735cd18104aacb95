import Adaptation
import Basics
import Imaging
import Metrics
import SegmentAnything

/// How well a tier segments the support set itself, by kind of prompt.
///
/// The adapter was trained on these very images, so this says whether it learnt them, not how it will do on the next one;
/// whoever shows the figures must say so.
struct SupportScorer {
    struct Score: Sendable, Equatable {
        let dice: Double
        let jaccard: Double

        var json: JSON { ["dice": .rounded(dice, places: 4), "jaccard": .rounded(jaccard, places: 4)] }
    }

    static let kinds: [PromptKind] = [.box, .point, .none]

    let model: SegmentAnythingModel
    let examples: [Example]
    let seed: UInt64

    /// Mean scores of `tier` over the examples. The same prompts for every tier: they depend on the seed alone.
    ///
    /// - Parameter pause: Called before each image; throws to stop.
    func scores(_ tier: Tier, pause: () throws -> Void) throws -> [(kind: PromptKind, score: Score)] {
        let segmenter = Segmenter(model: model, tier: tier)
        let predictor = Predictor(model, adjustment: tier.adapter?.adapter.adjustment ?? .none)
        var sums = Self.kinds.map { ($0, dice: 0.0, jaccard: 0.0) }
        var count = 0
        for (index, example) in examples.enumerated() {
            try pause()
            guard let simulator = PromptSimulator(mask: example.mask) else { continue }
            var random = SeededRandom(seed: seed &+ UInt64(index))
            let prompts = Self.kinds.map { simulator.prompt($0, using: &random) }
            let embedding = predictor.embed(example.image)
            let masks = try segmenter.masks(embedding, prompts: prompts, multimask: false)
            for (kind, mask) in masks.enumerated() {
                let metrics = try SegmentationMetrics(prediction: mask.mask, groundTruth: example.mask)
                sums[kind].dice += metrics.dice
                sums[kind].jaccard += metrics.jaccard
            }
            count += 1
        }
        guard count > 0 else { return [] }
        return sums.map { kind, dice, jaccard in
            (kind, Score(dice: dice / Double(count), jaccard: jaccard / Double(count)))
        }
    }
}
