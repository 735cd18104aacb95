import Adaptation
package import Imaging
package import SegmentAnything
import Tensor

/// What the truth becomes on its way through the model's mask grid.
package enum GridLimit {
    /// The truth averaged over the cells of the logits, as a trained model would give it at best, then enlarged and
    /// compared as every prediction is. Its Dice is what the mask grid could give at all.
    package static func mask(of truth: Mask, model: Configuration) -> Mask {
        let geometry = ImageGeometry(width: truth.width, height: truth.height, side: model.imageSize)
        let side = model.logitsSide
        let target = MaskTarget(truth, geometry: geometry, side: side)
        let logits = Tensor(shape: [side, side], target.truth.map { $0 - 0.5 })
        return MaskPrediction(lowResolutionLogits: logits, predictedIoU: 1, index: 0, geometry: geometry).mask()
    }
}
