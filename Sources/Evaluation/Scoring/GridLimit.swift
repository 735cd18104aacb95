import Adaptation
package import Imaging
package import SegmentAnything

/// What the truth becomes on its way through the model's mask grid.
package enum GridLimit {
    /// The truth averaged over the cells of the logits, as a trained model would give it at best, then enlarged and
    /// compared as every prediction is. Its Dice is what the mask grid could give at all.
    package static func mask(of truth: Mask, model: Configuration) -> Mask {
        let geometry = ImageGeometry(width: truth.width, height: truth.height, side: model.imageSize)
        return MaskTarget(truth, geometry: geometry, side: model.logitsSide).drawn(geometry).mask()
    }
}
