import SegmentAnything
import Tensor

/// An adapter's answer without a prompt, and what the base model finds alike.
///
/// With several labels an adapter has learnt in some dozens of steps what an object looks like, and hardly which of them it is; likeness
/// has by a closed formula learnt which lies where. With one label there is nothing to tell apart, and whole jobs gained nothing
/// (decision 0020).
package enum LikenessShare {
    /// Whether it is added to the answers of an adapter.
    ///
    /// - Parameter isTiled: Whether it answers in tiles.
    package static func isAdded(labelCount: Int, isTiled: Bool) -> Bool { labelCount > 1 && !isTiled }

    /// Of the similarity, in the sum of logits.
    package static let value: Float = 0.5
    /// Of either, so that none is surer than the other can be.
    private static let bound: Float = 8

    /// - Parameters:
    ///   - answer: Of all of an image.
    ///   - map: Of the same image, as the base model sees it.
    static func added(_ map: SimilarityMap, to answer: MaskPrediction, _ model: Configuration) -> MaskPrediction {
        let logits = zip(answer.lowResolutionLogits.elements, map.logits(model).elements).map { own, alike in
            min(max(own, -bound), bound) + value * min(max(alike, -bound), bound)
        }
        return MaskPrediction(
            lowResolutionLogits: Tensor(shape: answer.lowResolutionLogits.shape, logits),
            predictedIoU: answer.predictedIoU, index: answer.index, geometry: answer.geometry)
    }
}
