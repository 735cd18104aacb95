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

    /// Who answers without a prompt, and what the images that it knows have taught.
    struct Unaided {
        let isAdapted: Bool
        /// One for each label; nil where nothing is known of a support set.
        let profiles: [SupportProfile]?
    }

    /// The scores of `predictor` on one example whose embedding it is given, each prompt answered as the service would, for
    /// each label that the example shows.
    ///
    /// - Parameter isCancelled: Asked before each mask.
    func scores(
        _ example: Int, _ predictor: LabelledPredictor, _ embedding: ImageEmbedding, _ unaided: Unaided,
        isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        let image = support.examples[example].image
        let views = (0..<support.labelCount).map { EmbeddedImage(image, by: predictor[$0], whole: embedding) }
        return try scores(example, embedding, unaided, isCancelled) { prompt, label in
            guard prompt == .none else { return try views[label].segment(prompt) }
            let reader = PromptlessReader(predictor[label], isAdapted: unaided.isAdapted)
            return try reader.answer(prompt, embedding, unaided.profiles?[label]).answer
        }
    }

    /// The same in tiles, of which only a task with one label has any.
    ///
    /// - Parameter embedding: Of all of the image.
    func scores(
        _ example: Int, _ image: TiledImage, _ embedding: ImageEmbedding, _ unaided: Unaided, isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        precondition(support.labelCount == 1, "tiles of several labels")
        return try scores(example, embedding, unaided, isCancelled) { prompt, _ in try image.segment(prompt) }
    }

    /// - Parameter answer: To a prompt, of a label.
    private func scores(
        _ example: Int, _ embedding: ImageEmbedding, _ unaided: Unaided, _ isCancelled: () -> Bool,
        _ answer: (Prompt, Int) throws -> MaskPrediction
    ) throws -> [HeldOutScore] {
        let labels = support.examples[example].labels
        // All labels, those that the image does not show among them: they too claim pixels.
        let unprompted = try Unprompted.answers(
            Array(0..<support.labelCount), on: embedding, profile: { unaided.profiles?[$0] },
            answer: { label in
                guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
                return (try answer(.none, label), ())
            })
        var scores: [HeldOutScore] = []
        for item in support.items where item.example == example {
            var random = SeededRandom(seed: seed ^ 0x5363_6F72 &+ item.number)
            let (simulator, truth) = (support.simulator(item), labels.mask(item.label))
            func add(_ kind: PromptKind, _ mask: Mask, route: PromptlessRoute? = nil, isThere: Bool? = nil) throws {
                let metrics = try SegmentationMetrics(prediction: mask, groundTruth: truth, spacing: spacing)
                scores.append(
                    HeldOutScore(
                        example: example, label: item.label, prompt: kind, metrics, route: route, isThere: isThere))
            }
            for (kind, count) in Self.draws {
                for _ in 0..<count {
                    guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
                    let prompt = simulator.prompt(kind, using: &random)
                    guard kind == .none else {
                        try add(kind, try answer(prompt, item.label).mask())
                        continue
                    }
                    let found = unprompted[item.label]
                    try add(kind, found.mask, route: found.route, isThere: found.isThere)
                }
            }
        }
        return scores
    }
}
