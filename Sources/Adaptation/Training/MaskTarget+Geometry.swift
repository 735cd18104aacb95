package import Imaging
package import SegmentAnything
import Tensor

extension MaskTarget {
    /// The truth for logits of `side` cells over the padded square of `geometry`; `mask` has the size of the whole image.
    package init(_ mask: Mask, geometry: ImageGeometry, side: Int) {
        let mask = geometry.isWhole ? mask : mask.cropped(to: geometry.window)
        let cellsPerPixel = Double(side) / Double(geometry.side)
        self.init(
            pixels: mask.pixels, width: mask.width, height: mask.height, side: side,
            contentWidth: Double(geometry.resizedWidth) * cellsPerPixel,
            contentHeight: Double(geometry.resizedHeight) * cellsPerPixel)
    }

    /// The truth as a mask in the model's cells: the best that it could draw.
    package func drawn(_ geometry: ImageGeometry) -> MaskPrediction {
        MaskPrediction(
            lowResolutionLogits: Tensor(shape: [side, side], truth.map { $0 - 0.5 }), predictedIoU: 1, index: 0,
            geometry: geometry)
    }

    /// Of each cell of a grid over the padded square the share that is image, `[side, side]`.
    static func frame(_ geometry: ImageGeometry, side: Int) -> [Float] {
        let cells = Double(side) / Double(geometry.side)
        return MaskTarget(
            pixels: [1], width: 1, height: 1, side: side, contentWidth: Double(geometry.resizedWidth) * cells,
            contentHeight: Double(geometry.resizedHeight) * cells
        ).weight
    }
}
