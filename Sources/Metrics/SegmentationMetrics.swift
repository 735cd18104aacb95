package import Imaging

/// Why two masks cannot be compared.
package enum MetricsError: Error, Equatable, Sendable {
    case sizeMismatch(predictionWidth: Int, predictionHeight: Int, groundTruthWidth: Int, groundTruthHeight: Int)
}

/// Why a distance is not there.
package enum Absence: String, Sendable {
    case predictionEmpty
    case groundTruthEmpty
    case spacingUnknown

    package var reason: String {
        switch self {
        case .predictionEmpty: "the prediction is empty, so it has no surface to measure from"
        case .groundTruthEmpty: "the ground truth is empty, so it has no surface to measure to"
        case .spacingUnknown: "the spacing of the pixels is not known"
        }
    }
}

/// How well a predicted mask P agrees with the ground truth G.
///
/// | | both empty | one empty | otherwise |
/// |---|---|---|---|
/// | Dice | 1 | 0 | 2·│P∩G│ / (│P│ + │G│) |
/// | Jaccard | 1 | 0 | │P∩G│ / │P∪G│ |
/// | distances | 0 | none, with a reason | see `SurfaceDistances` |
///
/// No value is ever NaN or infinite.
package struct SegmentationMetrics: Sendable, Equatable {
    package let dice: Double
    package let jaccard: Double
    /// Pixels of P, of G and of both.
    package let predictionArea: Int
    package let groundTruthArea: Int
    package let intersectionArea: Int
    /// In pixels, as if these were square; nil when exactly one mask is empty.
    package let pixels: SurfaceDistances?
    /// In millimetres; nil when `pixels` is, or when the spacing is not known.
    package let millimetres: SurfaceDistances?
    /// Why `pixels` is nil.
    package let absence: Absence?
    /// Why `millimetres` is nil.
    package let millimetresAbsence: Absence?

    /// - Throws: `.sizeMismatch`.
    package init(prediction: Mask, groundTruth: Mask, spacing: Spacing? = nil) throws(MetricsError) {
        guard prediction.width == groundTruth.width, prediction.height == groundTruth.height else {
            throw .sizeMismatch(
                predictionWidth: prediction.width, predictionHeight: prediction.height,
                groundTruthWidth: groundTruth.width, groundTruthHeight: groundTruth.height)
        }
        predictionArea = prediction.area
        groundTruthArea = groundTruth.area
        intersectionArea = prediction.intersectionCount(groundTruth)
        let total = predictionArea + groundTruthArea
        dice = total == 0 ? 1 : 2 * Double(intersectionArea) / Double(total)
        jaccard = total == 0 ? 1 : Double(intersectionArea) / Double(total - intersectionArea)

        absence =
            switch (predictionArea, groundTruthArea) {
            case (0, 1...): .predictionEmpty
            case (1..., 0): .groundTruthEmpty
            default: nil
            }
        millimetresAbsence = absence ?? (spacing == nil ? .spacingUnknown : nil)
        pixels = absence == nil ? SurfaceDistances(prediction, groundTruth, spacing: nil) : nil
        millimetres = millimetresAbsence == nil ? SurfaceDistances(prediction, groundTruth, spacing: spacing) : nil
    }
}
