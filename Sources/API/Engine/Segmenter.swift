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
    let mask: Mask
    /// The model's own estimate of its intersection over union, within 0…1.
    let score: Double
}

/// From an embedding and prompts to masks at the image's size: the cheap half of a request, a few milliseconds.
struct Segmenter: Sendable {
    let model: SegmentAnythingModel
    let tier: Tier

    /// - Parameters:
    ///   - embeddings: What each prompt is answered on; prompts on the same part of the image are decoded together.
    ///   - multimask: All candidates of each prompt, best first, in place of the one.
    func masks(
        _ embeddings: [ImageEmbedding], prompts: [Prompt], multimask: Bool
    ) throws(PromptError) -> [SegmentedMask] {
        precondition(embeddings.count == prompts.count, "an embedding for each prompt")
        let predictor = Predictor(model, adjustment: tier.adapter?.adapter.adjustment ?? .none)
        var predictions = [[MaskPrediction]](repeating: [], count: prompts.count)
        for members in Dictionary(grouping: prompts.indices, by: { embeddings[$0].geometry.window }).values {
            let answers = try candidates(
                predictor, embeddings[members[0]], members.map { prompts[$0] }, multimask: multimask)
            for (member, answer) in zip(members, answers) { predictions[member] = answer }
        }
        return predictions.enumerated().flatMap { prompt, candidates in
            candidates.enumerated().map { index, prediction in
                // The head is a regression and may leave 0…1 by a little.
                let score = Double(prediction.predictedIoU)
                return SegmentedMask(
                    prompt: prompt, candidate: index, mask: prediction.mask(),
                    score: score.isFinite ? min(max(score, 0), 1) : 0)
            }
        }
    }
}

extension Segmenter {
    private func candidates(
        _ predictor: Predictor, _ embedding: ImageEmbedding, _ prompts: [Prompt], multimask: Bool
    ) throws(PromptError) -> [[MaskPrediction]] {
        if multimask { return try predictor.predict(embedding, prompts, multimask: true) }
        // Adapters are trained on the single mask; the others know nothing of the task.
        if tier.adapter != nil { return try predictor.predict(embedding, prompts, multimask: false) }
        return try predictor.segment(embedding, prompts).map { [$0] }
    }
}

extension [SegmentedMask] {
    /// The best mask of each prompt, united: what `image/png` and the metrics show. Not empty: there is always a prompt.
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
