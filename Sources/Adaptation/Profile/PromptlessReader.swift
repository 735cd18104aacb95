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

    /// The answer by `route`. Not fitted to the image: likeness has said already what the object looks like.
    func prediction(
        _ route: PromptlessRoute, _ embedding: ImageEmbedding, _ map: SimilarityMap
    ) throws(PromptError) -> MaskPrediction {
        let model = predictor.model.configuration
        guard let prompt = map.prompt(route, model) else { return map.prediction(model) }
        return try predictions(embedding.plain, [prompt])[0]
    }

    /// An answer, and how it was come by.
    package struct Answer {
        package let prediction: MaskPrediction
        /// What the decoder was told in the end.
        package let given: Prompt
        /// What it was told that on, with or without the guide that answers are fitted to.
        package let embedding: ImageEmbedding
        /// The similarity that had a part in it, as logits; nil where none had.
        package let likeness: MaskPrediction?
    }

    /// The answer to `prompt`, by the profile's route when it is none.
    ///
    /// - Parameters:
    ///   - base: The same image as the base model's encoder sees it, where that is another embedding: an adapter that trained the encoder
    ///     answers by one, and likeness is asked of the other.
    ///   - isMirrored: Whether the embedding is of the mirror image of the one that is asked about.
    ///   - byPixels: The answer of the profile's pixels, which the embedding cannot give; asked for only where they answer.
    package func answer(
        _ prompt: Prompt, _ embedding: ImageEmbedding, base: ImageEmbedding? = nil, _ profile: SupportProfile?,
        isMirrored: Bool = false, byPixels: @autoclosure () -> MaskPrediction?
    ) throws(PromptError) -> Answer {
        if prompt == .none, profile?.route == .pixels {
            guard let answer = byPixels() else { preconditionFailure("nobody looked at the pixels") }
            return Answer(prediction: answer, given: .none, embedding: embedding, likeness: nil)
        }
        guard prompt == .none, let profile, let likeness = profile.likeness, profile.route != .model else {
            return Answer(
                prediction: try predictions(embedding, [prompt])[0], given: prompt, embedding: embedding, likeness: nil)
        }
        let model = predictor.model.configuration
        precondition(base != nil || !predictor.adaptsEncoder, "likeness is of what the base model's encoder sees")
        let map = likeness.map(base ?? embedding, isMirrored: isMirrored)
        let answer = try prediction(profile.route, embedding, map)
        // What is varied is the answer's own prompt; the map and its mask have none that a hand could have given.
        let isByHand = profile.route == .box || profile.route == .point
        return Answer(
            prediction: profile.route == .blend ? LikenessShare.added(map, to: answer, model) : answer,
            given: isByHand ? map.prompt(profile.route, model) ?? .none : .none, embedding: embedding.plain,
            likeness: map.prediction(model))
    }

    /// How an answer holds when its prompt is varied; of one by pixels, when the line between object and ground is.
    ///
    /// - Parameters:
    ///   - embedding: On which it was answered.
    ///   - profile: By which it was answered.
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
