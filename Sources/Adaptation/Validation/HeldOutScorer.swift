import Basics
import Imaging
import Metrics
import SegmentAnything

/// Segments support images by prompts that are the same for every model: they depend on the seed and the example alone.
package struct HeldOutScorer: Sendable {
    /// The kinds that are scored, and so many draws of each: a point may fall anywhere in the object, a box moves little.
    package static let draws: [(kind: PromptKind, count: Int)] = [(.box, 1), (.point, 2), (.none, 1)]
    package static var kinds: [PromptKind] { draws.map(\.kind) }

    private let support: SupportSet
    private let spacing: Spacing?
    private let seed: UInt64

    init(support: SupportSet, spacing: Spacing?, seed: UInt64) {
        self.support = support
        self.spacing = spacing
        self.seed = seed
    }

    /// The scores of `predictor` on one example whose embedding it is given, each prompt answered as the service would, for
    /// each label that the example shows.
    ///
    /// - Parameter isCancelled: Asked before each mask.
    func scores(
        _ example: Int, _ predictor: LabelledPredictor, _ embedding: ImageEmbedding, isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        let image = support.examples[example].image
        let views = (0..<support.labelCount).map { EmbeddedImage(image, by: predictor[$0], whole: embedding) }
        return try scores(example, isCancelled) { prompt, label in try views[label].segment(prompt) }
    }

    /// The same in tiles, of which only a task with one label has any.
    func scores(_ example: Int, _ image: TiledImage, isCancelled: () -> Bool) throws -> [HeldOutScore] {
        precondition(support.labelCount == 1, "tiles of several labels")
        return try scores(example, isCancelled) { prompt, _ in try image.segment(prompt) }
    }

    /// - Parameter answer: To a prompt, of a label.
    private func scores(
        _ example: Int, _ isCancelled: () -> Bool, _ answer: (Prompt, Int) throws -> MaskPrediction
    ) throws -> [HeldOutScore] {
        let labels = support.examples[example].labels
        var unprompted: LabelImage?
        var scores: [HeldOutScore] = []
        for item in support.items where item.example == example {
            var random = SeededRandom(seed: seed ^ 0x5363_6F72 &+ item.number)
            let (simulator, truth) = (support.simulator(item), labels.mask(item.label))
            for (kind, count) in Self.draws {
                for _ in 0..<count {
                    guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
                    let prompt = simulator.prompt(kind, using: &random)
                    let mask: Mask
                    if kind == .none {
                        let all = try unprompted ?? self.unprompted(labels, isCancelled, answer)
                        unprompted = all
                        mask = all.mask(item.label)
                    } else {
                        mask = try answer(prompt, item.label).mask()
                    }
                    let metrics = try SegmentationMetrics(prediction: mask, groundTruth: truth, spacing: spacing)
                    scores.append(HeldOutScore(example: example, label: item.label, prompt: kind, metrics))
                }
            }
        }
        return scores
    }

    /// All labels without a prompt, those that the image does not show among them: they too claim pixels.
    ///
    /// - Parameter truth: Of the image's size.
    private func unprompted(
        _ truth: LabelImage, _ isCancelled: () -> Bool, _ answer: (Prompt, Int) throws -> MaskPrediction
    ) throws -> LabelImage {
        var contest = LabelContest(width: truth.width, height: truth.height)
        for label in 0..<support.labelCount {
            guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
            contest.enter(try answer(.none, label), as: label)
        }
        return contest.labels
    }
}
