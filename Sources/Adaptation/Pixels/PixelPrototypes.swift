package import Imaging
package import SegmentAnything
import Tensor

/// What tells a support set's object from its surroundings pixel by pixel, before any training: for what is thinner than the model's
/// cells, of which no token of an embedding and no mask of the decoder could tell.
///
/// The same discriminant as of tokens (``Prototypes``), of features of the image itself.
package struct PixelPrototypes: Sendable, Equatable {
    package let channel: ColourChannel
    /// Pixels of an image's side for each that is looked at; 1 or more.
    package let reduction: Double
    package let prototypes: Prototypes
    /// By how much each support image alone would have had its similarities lower.
    package let shifts: [Float]

    package init(channel: ColourChannel, reduction: Double, prototypes: Prototypes, shifts: [Float]) {
        self.channel = channel
        self.reduction = reduction
        self.prototypes = prototypes
        self.shifts = shifts
    }

    /// Log-odds are cut off here, short of what lies beside the image.
    private static let surest: Float = 30

    /// Rows that are looked at at a time.
    static let band = 32

    /// The image's size as it is looked at.
    static func geometry(width: Int, height: Int, reduction: Double) -> ImageGeometry {
        let side = max(Int((Double(max(width, height)) / reduction).rounded()), 1)
        return ImageGeometry(width: width, height: height, side: side)
    }

    package static func reduced(_ image: RGBImage, _ reduction: Double) -> RGBImage {
        guard reduction > 1 else { return image }
        let geometry = geometry(width: image.width, height: image.height, reduction: reduction)
        return Resize.bilinear(image, width: geometry.resizedWidth, height: geometry.resizedHeight)
    }

    package static func reduced(_ mask: Mask, _ reduction: Double) -> Mask {
        guard reduction > 1 else { return mask }
        let geometry = geometry(width: mask.width, height: mask.height, reduction: reduction)
        let coverage = Resize.coverage(mask, width: geometry.resizedWidth, height: geometry.resizedHeight)
        return Mask(
            width: geometry.resizedWidth, height: geometry.resizedHeight, pixels: coverage.map { $0 >= 0.5 ? 1 : 0 })
    }

    /// The log-odds of each pixel, or of each that is looked at, in a square of the image's longer side.
    package func prediction(_ image: RGBImage) -> MaskPrediction {
        let geometry = Self.geometry(width: image.width, height: image.height, reduction: reduction)
        return prediction(PixelFeatures(Self.reduced(image, reduction), channel), geometry)
    }

    func prediction(_ features: PixelFeatures, _ geometry: ImageGeometry) -> MaskPrediction {
        let (width, height, side) = (features.width, features.height, geometry.side)
        let logits = Tensor(shape: [side, side]) { logits in
            logits.update(repeating: MaskPrediction.outside)
            guard let base = logits.baseAddress else { return }
            // Disjoint rows are written by each band.
            nonisolated(unsafe) let target = base
            Threads.forEach((height + Self.band - 1) / Self.band) { band in
                let rows = band * Self.band..<min((band + 1) * Self.band, height)
                let values = features.block(rows: rows).similarity(prototypes)
                for (line, row) in rows.enumerated() {
                    for x in 0..<width {
                        target[row * side + x] = min(max(values[line * width + x], -Self.surest), Self.surest)
                    }
                }
            }
        }
        // Beside the image there is nothing, as sure as can be.
        return MaskPrediction(
            lowResolutionLogits: logits, predictedIoU: MaskSpread.expectedIoU(logits.elements), index: 0,
            geometry: geometry)
    }

    /// The answers that the support images, each by itself, would have had of the same similarities.
    package func others(_ answer: MaskPrediction) -> [MaskPrediction] {
        shifts.prefix(PromptJitter.tiledCount).map { shift in
            let logits = answer.lowResolutionLogits
            return MaskPrediction(
                lowResolutionLogits: Tensor(
                    shape: logits.shape,
                    logits.elements.map { $0 <= MaskPrediction.outside ? $0 : $0 - shift }),
                predictedIoU: answer.predictedIoU, index: 0, geometry: answer.geometry)
        }
    }
}
