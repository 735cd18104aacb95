package import Imaging

/// What is too small to be an object of a support set: islands far smaller than the smallest region that its masks mark.
///
/// Sizes are shares of the square about the image, as that is what the model sees: the same scan at twice the resolution has
/// the same debris.
package struct Debris: Sendable, Equatable {
    /// A region below this share of the square is debris.
    package let limit: Double

    /// Of the smallest region of the support masks: an object may come out at half its size and is still one.
    package static let share = 0.25

    package init(limit: Double) { self.limit = limit }

    /// Nil when no mask marks a pixel.
    package init?(_ masks: [Mask]) {
        let smallest = masks.compactMap { mask in
            mask.components().components.map(\.area).min().map { Double($0) / Self.square(mask.width, mask.height) }
        }.min()
        guard let smallest else { return nil }
        limit = Self.share * smallest
    }

    /// The fewest pixels that a region of an image of this size may have.
    package func leastArea(width: Int, height: Int) -> Int {
        max(Int((limit * Self.square(width, height)).rounded(.up)), 1)
    }

    /// `mask` without debris. Its largest region stays, whatever its size: whether there is an object is not asked here.
    package func removed(from mask: Mask) -> Mask {
        let least = leastArea(width: mask.width, height: mask.height)
        guard least > 1 else { return mask }
        let regions = mask.components()
        guard let largest = regions.largest, regions.components.contains(where: { $0.area < least }) else {
            return mask
        }
        // By label, from 1; 0 is the background.
        let isKept = [false] + regions.components.map { $0.area >= least || $0.label == largest.label }
        return Mask(width: mask.width, height: mask.height, pixels: regions.labels.map { isKept[Int($0)] ? 1 : 0 })
    }

    private static func square(_ width: Int, _ height: Int) -> Double {
        let side = Double(max(width, height))
        return side * side
    }
}
