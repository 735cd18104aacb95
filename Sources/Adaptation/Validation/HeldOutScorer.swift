import Basics
import Imaging
import Metrics
import SegmentAnything

/// Segments support images by prompts that are the same for every model: they depend on the seed and the example alone.
package struct HeldOutScorer: Sendable {
    /// The kinds that are scored, and so many draws of each: a point may fall anywhere in the object, a box moves little.
    package static let draws: [(kind: PromptKind, count: Int)] = [(.box, 1), (.point, 2), (.none, 1)]
    package static var kinds: [PromptKind] { draws.map(\.kind) }

    private let examples: [Example]
    private let simulators: [PromptSimulator]
    private let spacing: Spacing?
    private let seed: UInt64

    init(support: SupportSet, spacing: Spacing?, seed: UInt64) {
        examples = support.examples
        simulators = support.simulators
        self.spacing = spacing
        self.seed = seed
    }

    /// The scores of `predictor` on one example whose embedding it is given, each prompt answered as the service would.
    ///
    /// - Parameter isCancelled: Asked before each mask.
    func scores(
        _ example: Int, _ predictor: Predictor, _ embedding: ImageEmbedding, isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        let image = EmbeddedImage(examples[example].image, by: predictor, whole: embedding)
        return try scores(example, isCancelled: isCancelled) { try image.segment($0) }
    }

    /// The scores of what `answer` says to each prompt.
    func scores(
        _ example: Int, isCancelled: () -> Bool, answer: (Prompt) throws -> MaskPrediction
    ) throws -> [HeldOutScore] {
        var random = SeededRandom(seed: seed ^ 0x5363_6F72 &+ UInt64(truncatingIfNeeded: example))
        var scores: [HeldOutScore] = []
        for (kind, count) in Self.draws {
            for _ in 0..<count {
                guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
                let prompt = simulators[example].prompt(kind, using: &random)
                let metrics = try SegmentationMetrics(
                    prediction: try answer(prompt).mask(), groundTruth: examples[example].mask, spacing: spacing)
                scores.append(HeldOutScore(example: example, prompt: kind, metrics))
            }
        }
        return scores
    }
}
