package import Imaging
package import SegmentAnything
import Tensor

/// Answers of one model, with or without a prompt.
package struct PromptlessReader: Sendable {
    package let predictor: Predictor
    package let isAdapted: Bool

    package init(_ predictor: Predictor, isAdapted: Bool) {
        self.predictor = predictor
        self.isAdapted = isAdapted
    }

    /// One mask a prompt, by the rule of the model's tier: adapters are trained on the single mask, and the others know
    /// nothing of the task.
    package func predictions(
        _ embedding: ImageEmbedding, _ prompts: [Prompt]
    ) throws(PromptError) -> [MaskPrediction] {
        guard isAdapted else { return try predictor.segment(embedding, prompts) }
        return try predictor.predict(embedding, prompts).map { $0[0] }
    }

    /// The answer by `route`.
    func prediction(
        _ route: PromptlessRoute, _ embedding: ImageEmbedding, _ map: SimilarityMap
    ) throws(PromptError) -> MaskPrediction {
        let model = predictor.model.configuration
        guard let prompt = map.prompt(route, model) else { return map.prediction(model) }
        return try predictions(embedding, [prompt])[0]
    }

    /// The answer to `prompt`, by the profile's route when it is none, and what the decoder was told in the end.
    ///
    /// - Parameters:
    ///   - isMirrored: Whether the embedding is of the mirror image of the one that is asked about.
    ///   - byPixels: The answer of the profile's pixels, which the embedding cannot give; asked for only where they answer.
    package func answer(
        _ prompt: Prompt, _ embedding: ImageEmbedding, _ profile: SupportProfile?, isMirrored: Bool = false,
        byPixels: @autoclosure () -> MaskPrediction?
    ) throws(PromptError) -> (answer: MaskPrediction, given: Prompt) {
        if prompt == .none, profile?.route == .pixels {
            guard let answer = byPixels() else { preconditionFailure("nobody looked at the pixels") }
            return (answer, .none)
        }
        guard prompt == .none, let profile, let likeness = profile.likeness, profile.route != .model else {
            return (try predictions(embedding, [prompt])[0], prompt)
        }
        let map = likeness.map(embedding, isMirrored: isMirrored)
        let answer = try prediction(profile.route, embedding, map)
        // What is varied is the answer's own prompt; the map and its mask have none that a hand could have given.
        let given = map.prompt(profile.route, predictor.model.configuration)
        return (answer, profile.route == .box || profile.route == .point ? given ?? .none : .none)
    }

    /// How an answer holds when its prompt is varied; of one by pixels, when the line between object and ground is.
    ///
    /// - Parameter profile: By which it was answered.
    package func spread(
        _ answer: MaskPrediction, given prompt: Prompt, _ embedding: ImageEmbedding, _ profile: SupportProfile?,
        count: Int = PromptJitter.count
    ) throws(PromptError) -> MaskSpread {
        if prompt == .none, profile?.route == .pixels, let pixels = profile?.pixels {
            return MaskSpread(answer, others: pixels.others(answer))
        }
        let nearby = PromptJitter.prompts(around: prompt, answer: answer.mask(), count: count)
        return MaskSpread(answer, others: nearby.isEmpty ? [] : try predictions(embedding, nearby))
    }
}

extension TiledImage {
    /// How an answer holds when its prompt is varied.
    package func spread(_ answer: MaskPrediction, given prompt: Prompt, mask: Mask? = nil) throws -> MaskSpread {
        let nearby = PromptJitter.prompts(around: prompt, answer: answer.mask(), count: PromptJitter.tiledCount)
        return MaskSpread(answer, others: try nearby.map { try segment($0, mask: mask) })
    }
}
