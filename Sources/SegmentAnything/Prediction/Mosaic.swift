package import Imaging
import Tensor

/// The masks of overlapping tiles put together.
///
/// The logit of a pixel is the mean of those of the tiles that show it, each weighted by how far the pixel lies from that
/// tile's edges, along both axes: a tile fades out where it ends and where it knows least, so that no seam is left.
package struct Mosaic {
    private let width: Int
    private let height: Int
    /// `[height, width]`, row-major.
    private var sums: [Float]
    private var weights: [Float]
    /// Of the tiles' predicted IoU by the area that they draw: a tile that shows nothing of the object has no say.
    private var quality: (sum: Float, area: Float) = (0, 0)

    /// - Parameter width: Of the original image, as `height`.
    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
        sums = [Float](repeating: 0, count: width * height)
        weights = sums
    }

    package mutating func add(_ tile: MaskPrediction) {
        precondition(
            tile.geometry.originalWidth == width && tile.geometry.originalHeight == height, "a tile of another image")
        let window = tile.geometry.window
        let logits = tile.windowLogits()
        let (columns, rows) = (Mosaic.fade(window.width), Mosaic.fade(window.height))
        var area: Float = 0
        for y in 0..<window.height {
            let line = (window.y0 + y) * width + window.x0
            for x in 0..<window.width {
                let weight = rows[y] * columns[x]
                let logit = logits[y * window.width + x]
                sums[line + x] += weight * logit
                weights[line + x] += weight
                if logit > 0 { area += weight }
            }
        }
        quality.sum += area * tile.predictedIoU
        quality.area += area
    }

    /// Rising from either end to 1 in the middle, nowhere 0.
    private static func fade(_ length: Int) -> [Float] {
        (0..<length).map { Float(2 * min($0 + 1, length - $0)) / Float(length + 1) }
    }

    /// The whole image's mask, of no more memory than its pixels.
    package func mask() -> Mask {
        // The sums are weighted by what is positive, so that they have the mean's sign.
        Mask(width: width, height: height, pixels: sums.map { $0 > 0 ? 1 : 0 })
    }

    /// The whole image's logits: one a pixel, in a square of the image's longer side. Background where no tile was added.
    package func prediction() -> MaskPrediction {
        let side = max(width, height)
        let logits = Tensor(shape: [side, side]) { logits in
            logits.update(repeating: MaskPrediction.outside)
            for y in 0..<height {
                for x in 0..<width where weights[y * width + x] > 0 {
                    logits[y * side + x] = sums[y * width + x] / weights[y * width + x]
                }
            }
        }
        return MaskPrediction(
            lowResolutionLogits: logits, predictedIoU: quality.area > 0 ? quality.sum / quality.area : 0, index: 0,
            geometry: ImageGeometry(width: width, height: height, side: side))
    }
}
