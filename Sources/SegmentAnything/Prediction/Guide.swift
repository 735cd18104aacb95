import Tensor

/// The image as the grid of the logits shows it: what ``Appearance`` fits an answer to.
package struct Guide: Sendable {
    /// Cells along each side of the padded square.
    package let side: Int
    /// The cells that show image, the last ones perhaps padding too.
    package let width: Int
    package let height: Int
    /// Red, green and blue of `[height, width, 3]`, the mean over each cell, in bytes.
    let colours: [UInt8]

    /// Nil for a model that asks for none.
    package init?(_ image: PreprocessedImage, for model: Configuration) {
        let step = image.geometry.side / model.logitsSide
        guard model.appearance != nil, step > 0 else { return nil }
        side = model.logitsSide
        let (resizedWidth, resizedHeight) = (image.geometry.resizedWidth, image.geometry.resizedHeight)
        // Where the patch does not divide the side, the last pixels have no cell.
        (width, height) = (
            min((resizedWidth + step - 1) / step, side), min((resizedHeight + step - 1) / step, side)
        )
        colours = image.pixels.withUnsafeElements { [width, height] pixels in
            var colours = [UInt8](repeating: 0, count: 3 * width * height)
            let line = 3 * image.geometry.side
            for y in 0..<height {
                let rows = step * y..<min(step * (y + 1), resizedHeight)
                for x in 0..<width {
                    let columns = step * x..<min(step * (x + 1), resizedWidth)
                    for channel in 0..<3 {
                        var sum: Float = 0
                        for row in rows { for column in columns { sum += pixels[row * line + 3 * column + channel] } }
                        let mean = sum / Float(rows.count * columns.count)
                        let byte = mean * Preprocessor.standardDeviation[channel] + Preprocessor.mean[channel]
                        colours[3 * (y * width + x) + channel] = UInt8(min(max(byte + 0.5, 0), 255))
                    }
                }
            }
            return colours
        }
    }

    /// Brightness, and for an image in colour how red rather than blue and how green rather than either it is, each `[height,
    /// width]` about 0 to 1: of all fixed channels those that are least alike on photographs (Ohta et al. 1980).
    package var channels: [[Float]] {
        let count = width * height
        func plane(_ red: Float, _ green: Float, _ blue: Float) -> [Float] {
            (0..<count).map { cell in
                var sum = red * Float(colours[3 * cell])
                sum += green * Float(colours[3 * cell + 1])
                sum += blue * Float(colours[3 * cell + 2])
                return sum / 255
            }
        }
        let brightness = plane(1 / 3, 1 / 3, 1 / 3)
        guard isColoured else { return [brightness] }
        return [brightness, plane(1, 0, -1), plane(-0.5, 1, -0.5)]
    }

    private var isColoured: Bool {
        (0..<width * height).contains { cell in
            let (red, green, blue) = (colours[3 * cell], colours[3 * cell + 1], colours[3 * cell + 2])
            return max(red, green, blue) - min(red, green, blue) > 5
        }
    }

    /// Memory that keeping it costs.
    var byteCount: Int { colours.count }
}
