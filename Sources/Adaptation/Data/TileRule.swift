package import Imaging
package import SegmentAnything

/// Whether a support set's objects are too thin to be drawn over a whole image, and if so, the tiles that can draw them.
///
/// A model draws its mask in cells: 128 a side for the embedded one, 256 for Segment Anything. The rule asks what the truth
/// itself would be worth after it went through those cells (its share of each, enlarged again, thresholded at a half). It
/// looks at the median image, so that one odd mask decides nothing. What was measured, on which data: docs/adaptation.md.
package enum TileRule {
    /// Below this Dice the cells of the whole image are too coarse. Compact objects lose less than 0.08, vessels 0.2 and more.
    static let tooCoarse = 0.85
    /// Tiles that reach this Dice are small enough.
    static let fineEnough = 0.95
    /// Sides that are tried, in sides of the model's input: above 1 it still sees the image reduced, below 1 enlarged.
    static let shares = [2, 1.5, 1, 0.75, 0.5]
    /// Examples that are looked at.
    static let examined = 16

    /// The side of the tiles for the examples of `masks`, in pixels of the original images; nil: they are seen whole.
    package static func side(for all: [Mask], model: Configuration) -> Int? {
        guard all.allSatisfy({ max($0.width, $0.height) <= Tiling.longestImageSide }) else { return nil }
        let masks = Array(all.prefix(examined))
        guard median(masks.map { drawnDice($0, tiling: nil, model: model) }) < tooCoarse else { return nil }
        let sides = shares.map { Int($0 * Double(model.imageSize)) }.filter { side in
            guard Tiling.sides.contains(side) else { return false }
            // Of every example: one that needs too many tiles would end the job.
            let counts = all.map { Tiling(side: side).count(width: $0.width, height: $0.height) }
            return counts.contains { $0 > 1 } && counts.allSatisfy { $0 <= Tiling.limit }
        }
        // Of large tiles fewer are needed, and more of the surroundings is seen in each.
        let drawn = sides.first { side in
            median(masks.map { drawnDice($0, tiling: Tiling(side: side), model: model) }) >= fineEnough
        }
        return drawn ?? sides.last
    }

    /// The Dice of `mask` with itself as the model's cells draw it.
    package static func drawnDice(_ mask: Mask, tiling: Tiling?, model: Configuration) -> Double {
        let windows = tiling?.windows(width: mask.width, height: mask.height)
        var mosaic = Mosaic(width: mask.width, height: mask.height)
        for window in windows ?? [PixelBox(x0: 0, y0: 0, x1: mask.width - 1, y1: mask.height - 1)] {
            let geometry = ImageGeometry(width: mask.width, height: mask.height, window: window, side: model.imageSize)
            let truth = MaskTarget(mask, geometry: geometry, side: model.logitsSide)
            mosaic.add(truth.drawn(geometry))
        }
        return mask.dice(mosaic.mask())
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 1 : sorted[sorted.count / 2]
    }
}
