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
        let (image, labels) = (support.examples[example].image, support.examples[example].labels)
        var unprompted: LabelImage?
        var scores: [HeldOutScore] = []
        for item in support.items where item.example == example {
            var random = SeededRandom(seed: seed ^ 0x5363_6F72 &+ item.number)
            let (simulator, truth) = (support.simulator(item), labels.mask(item.label))
            let views = EmbeddedImage(image, by: predictor[item.label], whole: embedding)
            for (kind, count) in Self.draws {
                for _ in 0..<count {
                    guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
                    let prompt = simulator.prompt(kind, using: &random)
                    let answer: Mask
                    if kind == .none {
                        let all = try unprompted ?? self.unprompted(predictor, embedding, isCancelled: isCancelled)
                        unprompted = all
                        answer = all.mask(item.label)
                    } else {
                        answer = try views.segment(prompt).mask()
                    }
                    let metrics = try SegmentationMetrics(prediction: answer, groundTruth: truth, spacing: spacing)
                    scores.append(HeldOutScore(example: example, label: item.label, prompt: kind, metrics))
                }
            }
        }
        return scores
    }

    /// All labels without a prompt, those that the image does not show among them: they too claim pixels.
    private func unprompted(
        _ predictor: LabelledPredictor, _ embedding: ImageEmbedding, isCancelled: () -> Bool
    ) throws -> LabelImage {
        let geometry = embedding.geometry
        var contest = LabelContest(width: geometry.originalWidth, height: geometry.originalHeight)
        for label in 0..<support.labelCount {
            guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
            contest.enter(try predictor[label].segment(embedding, [.none])[0], as: label)
        }
        return contest.labels
    }
}
