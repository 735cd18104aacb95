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
        /// An example as the base model's encoder sees it; asked for where an adapter trained the encoder and likeness helps it.
        let base: (Int) throws -> ImageEmbedding
        /// One for each label; nil where nothing is known of a support set.
        let profiles: [SupportProfile]?
    }

    /// How a model answers, as the service would ask it.
    private struct Respondent {
        let answer: (Prompt, Int) throws -> (prediction: MaskPrediction, likeness: MaskPrediction?)
        /// How far answers to prompts nearby agree with an answer; nil: nobody asks.
        let agreement: ((MaskPrediction, Prompt, Int) throws -> Double)?
        /// The decoder's own to no prompt, whatever the support set would have it say; nil: it says nothing else.
        let own: ((Int) throws -> MaskPrediction)?
    }

    /// The scores of `predictor` on one example whose embedding it is given, each prompt answered as the service would, for
    /// each label that the example shows; of one that it does not show, whether it was found all the same.
    ///
    /// - Parameter isCancelled: Asked before each mask.
    func scores(
        _ example: Int, _ predictor: LabelledPredictor, _ embedding: ImageEmbedding, _ unaided: Unaided,
        isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        let image = support.examples[example].image
        let views = (0..<support.labelCount).map { EmbeddedImage(image, by: predictor[$0], whole: embedding) }
        func reader(_ label: Int) -> PromptlessReader {
            PromptlessReader(predictor[label], isAdapted: unaided.isAdapted)
        }
        let isHelped = predictor[0].adaptsEncoder && unaided.profiles?.contains { $0.route == .blend } == true
        let base = isHelped ? try unaided.base(example) : nil
        let respondent = Respondent(
            answer: { prompt, label in
                guard prompt == .none else { return (try views[label].segment(prompt), nil) }
                let profile = unaided.profiles?[label]
                let found = try reader(label).answer(
                    prompt, embedding, base: base, profile, byPixels: profile?.pixels?.prediction(image))
                return (found.prediction, found.likeness)
            },
            // The base model's is known without folds: it was trained on none of the images.
            agreement: unaided.isAdapted
                ? { answer, prompt, label in
                    let view = try views[label].view(of: prompt)
                    return try reader(label).spread(
                        answer, given: view.prompt, view.embedding, unaided.profiles?[label],
                        count: PromptJitter.foldCount
                    ).agreement
                } : nil,
            // Of several labels it tells none.
            own: unaided.isAdapted || support.labelCount > 1
                ? nil : { label in try reader(label).predictions(embedding, [.none])[0] })
        return try scores(example, embedding, unaided, respondent, isCancelled)
    }

    /// The same of an adapter that answers in tiles, of which only a task with one label has any.
    ///
    /// - Parameter embedding: Of all of the image.
    func scores(
        _ example: Int, _ image: TiledImage, _ embedding: ImageEmbedding, _ unaided: Unaided, isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        precondition(support.labelCount == 1, "tiles of several labels")
        let respondent = Respondent(
            answer: { prompt, _ in (try image.segment(prompt), nil) },
            agreement: { answer, prompt, _ in try image.spread(answer, given: prompt).agreement }, own: nil)
        return try scores(example, embedding, unaided, respondent, isCancelled)
    }

    private func scores(
        _ example: Int, _ embedding: ImageEmbedding, _ unaided: Unaided, _ respondent: Respondent,
        _ isCancelled: () -> Bool
    ) throws -> [HeldOutScore] {
        let labels = support.examples[example].labels
        let shown = Set(labels.present)
        func answer(
            _ prompt: Prompt, _ label: Int
        ) throws -> (prediction: MaskPrediction, likeness: MaskPrediction?) {
            guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
            return try respondent.answer(prompt, label)
        }
        func agreement(_ answer: MaskPrediction, _ prompt: Prompt, _ label: Int) throws -> Double? {
            guard !isCancelled() else { throw AdaptationError.cancelled(step: 0) }
            return try respondent.agreement?(answer, prompt, label)
        }
        // All labels, those that the image does not show among them: they too claim pixels.
        let unprompted = try Unprompted.answers(
            Array(0..<support.labelCount), on: embedding, profile: { unaided.profiles?[$0] },
            answer: { label in
                let (answer, likeness) = try answer(.none, label)
                return (answer, likeness, shown.contains(label) ? try agreement(answer, .none, label) : nil)
            })
        var scores: [HeldOutScore] = []
        for item in support.items where item.example == example {
            var random = SeededRandom(seed: seed ^ 0x5363_6F72 &+ item.number)
            let (simulator, truth) = (support.simulator(item), labels.mask(item.label))
            func add(
                _ kind: PromptKind, _ mask: Mask, route: PromptlessRoute? = nil, isFound: Bool? = nil,
                agreement: Double?, carefulDice: Double? = nil, ownDice: Double? = nil
            ) throws {
                let metrics = try SegmentationMetrics(prediction: mask, groundTruth: truth, spacing: spacing)
                scores.append(
                    HeldOutScore(
                        example: example, label: item.label, prompt: kind, metrics, route: route, isFound: isFound,
                        agreement: agreement, carefulDice: carefulDice, ownDice: ownDice))
            }
            func dice(_ answer: MaskPrediction) throws -> Double {
                try SegmentationMetrics(prediction: answer.mask(), groundTruth: truth).dice
            }
            for (kind, count) in Self.draws {
                for draw in 0..<count {
                    let prompt = simulator.prompt(kind, using: &random)
                    guard kind == .none else {
                        let found = try answer(prompt, item.label).prediction
                        // One of each kind is enough to calibrate by, as images count and not prompts.
                        let agreement = draw == 0 ? try agreement(found, prompt, item.label) : nil
                        let careful = kind == .box ? try answer(simulator.carefulBox(), item.label).prediction : nil
                        try add(kind, found.mask(), agreement: agreement, carefulDice: try careful.map(dice))
                        continue
                    }
                    let found = unprompted[item.label]
                    let isOwn = found.route == .model && found.isThere
                    let own = isOwn ? nil : try respondent.own?(item.label)
                    try add(
                        kind, found.mask, route: found.route, isFound: !found.mask.isEmpty,
                        agreement: found.detail ?? nil, ownDice: try own.map(dice))
                }
            }
        }
        for label in support.absent(from: example) {
            let found = unprompted[label]
            let metrics = try SegmentationMetrics(
                prediction: found.mask, groundTruth: labels.mask(label), spacing: spacing)
            scores.append(
                HeldOutScore(
                    example: example, label: label, prompt: .none, isShown: false, metrics, route: found.route,
                    isFound: !found.mask.isEmpty))
        }
        return scores
    }
}
