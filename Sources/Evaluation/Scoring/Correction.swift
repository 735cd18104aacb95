package import Imaging
package import SegmentAnything

/// The click of a user who looks at a mask and sees what is most wrong with it.
package enum Correction {
    /// How many follow the first point in `1+4`.
    package static let count = 4

    /// The deepest pixel of the largest connected region (of eight neighbours) where `prediction` is wrong: foreground
    /// where the object was missed, background where something else was taken for it. Nil when nothing is wrong.
    ///
    /// Depth is the distance to the nearest pixel that is not in the region, beyond the image border included; among
    /// equals, missed regions come first, then raster order.
    package static func point(prediction: Mask, truth: Mask) -> Prompt.Point? {
        let missed = largest(truth.difference(prediction))
        let invented = largest(prediction.difference(truth))
        let isMissed = (missed?.area ?? 0) >= (invented?.area ?? 0)
        guard let region = isMissed ? missed : invented, let deepest = DistanceTransform.deepestPixel(in: region.mask)
        else { return nil }
        return Prompt.Point(
            x: Float(deepest.x + region.x0), y: Float(deepest.y + region.y0), isForeground: isMissed)
    }

    /// The largest component, cropped to its extent.
    private static func largest(_ mask: Mask) -> (mask: Mask, x0: Int, y0: Int, area: Int)? {
        let components = mask.components(.eight)
        guard let component = components.largest else { return nil }
        let box = component.boundingBox
        return (components.mask(component.label).cropped(to: box), box.x0, box.y0, component.area)
    }
}
