import Basics
import Imaging

/// Distances between the surfaces of two masks, as MedPy defines them.
///
/// The surface of a mask is the set of its pixels that have one of their four neighbours outside it; beyond the image
/// border is outside, and the rim of a hole belongs to the surface. d(p, S) is the Euclidean distance from the centre of
/// p to the nearest centre of S.
package struct SurfaceDistances: Sendable, Equatable {
    /// Average symmetric surface distance: the mean over both surfaces together of d(p, surface of G) and
    /// d(g, surface of P), so that every surface pixel weighs the same.
    package let asd: Double
    /// 95th percentile Hausdorff distance: of the same distances, with linear interpolation between ranks.
    package let hd95: Double

    /// Masks of one size, both empty (giving 0) or neither.
    init(_ prediction: Mask, _ groundTruth: Mask, spacing: Spacing?) {
        guard let predictionBox = prediction.boundingBox, let groundTruthBox = groundTruth.boundingBox else {
            precondition(prediction.isEmpty && groundTruth.isEmpty, "a surface has no distance to nothing")
            (asd, hd95) = (0, 0)
            return
        }
        // Both surfaces lie in this box, and so does every path between them. They are found before cropping.
        let box = predictionBox.union(groundTruthBox)
        let surfaces = (prediction.surface().cropped(to: box), groundTruth.surface().cropped(to: box))
        let distances =
            Self.distances(from: surfaces.0, to: surfaces.1, spacing)
            + Self.distances(from: surfaces.1, to: surfaces.0, spacing)
        asd = distances.reduce(0, +) / Double(distances.count)
        hd95 = distances.sorted().quantile(0.95)
    }

    private static func distances(from surface: Mask, to other: Mask, _ spacing: Spacing?) -> [Double] {
        let distances = DistanceTransform.distances(to: other, spacing: spacing)
        return zip(surface.pixels, distances).filter { $0.0 != 0 }.map(\.1)
    }
}
