import Basics
import Imaging

/// Pictures made on the spot: a bright disc on a dark, slightly graded ground, and the disc's mask.
enum TestImages {
    static func disc(width: Int = 48, height: Int = 40, x: Int = 20, y: Int = 18, radius: Int = 9, shade: Int = 0)
        -> [UInt8]
    {
        var grey = [UInt8](repeating: 0, count: width * height)
        for row in 0..<height {
            for column in 0..<width {
                let isInside = (row - y) * (row - y) + (column - x) * (column - x) <= radius * radius
                grey[row * width + column] = UInt8(clamping: (isInside ? 200 : 30) + (row + column) / 4 + shade)
            }
        }
        return PNG.encode(RGBImage(width: width, height: height, grey: grey))
    }

    static func mask(width: Int = 48, height: Int = 40, x: Int = 20, y: Int = 18, radius: Int = 9) -> [UInt8] {
        var pixels = [UInt8](repeating: 0, count: width * height)
        for row in 0..<height {
            for column in 0..<width where (row - y) * (row - y) + (column - x) * (column - x) <= radius * radius {
                pixels[row * width + column] = 1
            }
        }
        return PNG.encode(Mask(width: width, height: height, pixels: pixels))
    }

    /// Five dark lines of two pixels on noisy ground, too thin for the cells of any test model, and their mask.
    ///
    /// - Parameter scale: All of it so many times as large.
    static func lines(seed: Int, scale: Int = 1) -> (image: [UInt8], mask: [UInt8]) {
        let (width, height) = (150 * scale, 120 * scale)
        var random = SeededRandom(seed: UInt64(seed))
        var (grey, mask) = ([UInt8](), [UInt8]())
        for row in 0..<height {
            for column in 0..<width {
                let (x, y) = (column / scale, row / scale)
                let isLine = (y - x / 7 + 40 + 3 * seed) % 24 < 2 && y > 2 && x < 145 && y < 118
                grey.append(UInt8(120 + random.index(below: 40) + x / 4 - (isLine ? 40 : 0)))
                mask.append(isLine ? 1 : 0)
            }
        }
        return (
            PNG.encode(RGBImage(width: width, height: height, grey: grey)),
            PNG.encode(Mask(width: width, height: height, pixels: mask))
        )
    }

    static func emptyMask(width: Int = 48, height: Int = 40) -> [UInt8] {
        PNG.encode(Mask(empty: width, height: height))
    }
}
