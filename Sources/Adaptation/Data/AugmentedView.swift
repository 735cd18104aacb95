import Basics
import Glibc
package import Imaging
package import SegmentAnything
package import Tensor

/// One of the fixed variants of a support image: a flip, perhaps of the part about the object alone, perhaps with a change of
/// brightness, contrast and noise.
///
/// Variants are few and fixed rather than drawn anew at each step, so that what the frozen part of the encoder makes of
/// them can be kept (`EncodingCache`).
package struct AugmentedView: Sendable, Equatable {
    package let flipsHorizontally: Bool
    package let flipsVertically: Bool
    /// Standard deviation of Gaussian noise, in grey levels of 255.
    package let noise: Float
    /// Factor on the contrast about mid-grey.
    package let contrast: Float
    /// Added to the brightness, in grey levels of 255.
    package let brightness: Float
    /// Sides of the object's extent that the view shows about it, for a model that looks closer at boxes; nil: the image.
    package let reach: Float?
    private let seed: UInt64

    /// View `index` of example `example`. The first is the image itself, the first four are its flips; all later ones
    /// differ in tone and noise too, and every other one of them shows the object's surroundings alone.
    package init(index: Int, example: Int, seed: UInt64) {
        precondition(index >= 0, "views are counted from 0")
        var generator = SeededRandom(seed: seed)
        self.seed = generator.next() ^ (UInt64(truncatingIfNeeded: example) << 32 | UInt64(truncatingIfNeeded: index))
        var tone = SeededRandom(seed: self.seed)
        flipsHorizontally = index & 1 != 0
        flipsVertically = index & 2 != 0
        let isPlain = index < 4
        noise = isPlain ? 0 : 4 + 8 * tone.uniform()
        contrast = isPlain ? 1 : 0.8 + 0.4 * tone.uniform()
        brightness = isPlain ? 0 : -20 + 40 * tone.uniform()
        reach = isPlain || index & 1 == 0 ? nil : 1.5 + tone.uniform()
    }

    /// The part of the flipped image that the view shows; nil: all of it. With boxes answered on parts of images
    /// (`Focus`) an adapter must know what those look like.
    ///
    /// - Parameter mask: Flipped.
    package func window(about mask: Mask, model: Configuration) -> PixelBox? {
        guard model.focusedBoxes == true, let reach, let extent = mask.boundingBox else { return nil }
        let box = Prompt.Box(
            x0: Float(extent.x0), y0: Float(extent.y0), x1: Float(extent.x1), y1: Float(extent.y1))
        return Focus.window(about: box, reach: reach, width: mask.width, height: mask.height)
    }

    /// The tile of the flipped image that the view shows. Three of four lie about a pixel of the object, for it may fill
    /// little of the image; the others anywhere, for it must also be told from what is not it.
    ///
    /// - Parameter mask: Flipped.
    package func tile(_ tiling: Tiling, of mask: Mask) -> PixelBox {
        // A constant of its own, so that place and tone never share a sequence.
        var generator = SeededRandom(seed: seed ^ 0x5469_6C65)
        let (columns, rows) = (min(tiling.side, mask.width), min(tiling.side, mask.height))
        let (rightmost, lowest) = (mask.width - columns, mask.height - rows)
        var (x, y) = (generator.index(below: rightmost + 1), generator.index(below: lowest + 1))
        if generator.index(below: 4) > 0, let simulator = PromptSimulator(mask: mask) {
            let pixel = simulator.pixelInside(using: &generator)
            x = min(max(pixel.x - generator.index(below: columns), 0), rightmost)
            y = min(max(pixel.y - generator.index(below: rows), 0), lowest)
        }
        return PixelBox(x0: x, y0: y, x1: x + columns - 1, y1: y + rows - 1)
    }

    package func flipped(_ image: RGBImage) -> RGBImage {
        let rows = flipsVertically ? image.flippedVertically() : image
        return flipsHorizontally ? rows.flippedHorizontally() : rows
    }

    package func flipped(_ mask: Mask) -> Mask {
        let rows = flipsVertically ? mask.flippedVertically() : mask
        return flipsHorizontally ? rows.flippedHorizontally() : rows
    }

    /// The model's input with this view's tone and noise, drawn at the model's resolution so that downsizing cannot
    /// average them away. One draw per pixel for all three channels: noise of a scanner is not coloured. Padding stays 0.
    ///
    /// - Parameters:
    ///   - pixels: `[1, side, side, 3]`, normalised.
    ///   - width: Columns that hold image; the rest is padding.
    ///   - height: Rows that hold image.
    package func toned(_ pixels: Tensor, width: Int, height: Int) -> Tensor {
        guard noise > 0 || contrast != 1 || brightness != 0 else { return pixels }
        precondition(pixels.shape.count == 4 && pixels.shape[3] == 3, "pixels are not [1, side, side, 3]")
        let side = pixels.shape[2]
        var generator = SeededRandom(seed: ~seed)
        var elements = pixels.elements
        for y in 0..<height {
            for x in 0..<width {
                let grain = noise * Self.gaussian(&generator)
                for channel in 0..<3 {
                    let (mean, deviation) = (Preprocessor.mean[channel], Preprocessor.standardDeviation[channel])
                    let at = (y * side + x) * 3 + channel
                    let level = elements[at] * deviation + mean
                    let changed = (level - 127.5) * contrast + 127.5 + brightness + grain
                    elements[at] = (min(max(changed, 0), 255) - mean) / deviation
                }
            }
        }
        return Tensor(shape: pixels.shape, elements)
    }

    /// A standard normal number, by Box and Muller (1958); the second of the pair is not kept, for the sake of simplicity.
    private static func gaussian(_ generator: inout SeededRandom) -> Float {
        let radius = (-2 * logf(1 - generator.uniform())).squareRoot()
        return radius * cosf(2 * .pi * generator.uniform())
    }
}
