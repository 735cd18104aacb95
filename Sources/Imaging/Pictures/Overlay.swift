/// Drawings over images, for people to judge a mask by.
package enum Overlay {
    /// Tints the pixels of `mask` and draws its outline, inside the mask, in the full colour.
    ///
    /// - Parameters:
    ///   - mask: Of the size of `image`.
    ///   - opacity: 0 (outline only) to 1.
    package static func draw(
        _ mask: Mask, over image: RGBImage, colour: Colour = .orange, opacity: Double = 0.3
    ) -> RGBImage {
        precondition(mask.width == image.width && mask.height == image.height, "mask and image differ in size")
        precondition((0...1).contains(opacity), "opacity lies in 0...1")
        var canvas = Canvas(image)
        let weight = Int(opacity * 256)
        for y in 0..<mask.height {
            for x in 0..<mask.width where mask.pixels[y * mask.width + x] != 0 {
                canvas.blend(x, y, colour, weight: weight)
            }
        }
        return drawContour(mask, over: canvas.image, colour: colour)
    }

    /// Draws the outline of `mask`, inside it, one pixel wide.
    package static func drawContour(_ mask: Mask, over image: RGBImage, colour: Colour) -> RGBImage {
        precondition(mask.width == image.width && mask.height == image.height, "mask and image differ in size")
        let contour = mask.surface().pixels
        var canvas = Canvas(image)
        for y in 0..<mask.height {
            for x in 0..<mask.width where contour[y * mask.width + x] != 0 { canvas.set(x, y, colour) }
        }
        return canvas.image
    }

    /// A disc around the pixel at (x, y) with a dark rim, so that it shows on any ground. Positions that are not finite
    /// or far outside draw nothing.
    package static func drawPoint(
        x: Double, y: Double, over image: RGBImage, colour: Colour, radius: Int = 3
    ) -> RGBImage {
        var canvas = Canvas(image)
        guard (-1...Double(image.width)).contains(x), (-1...Double(image.height)).contains(y) else { return image }
        let (column, row) = (Int(x.rounded()), Int(y.rounded()))
        let reach = radius + 1
        for dy in -reach...reach {
            for dx in -reach...reach {
                let squared = dx * dx + dy * dy
                if squared <= radius * radius {
                    canvas.set(column + dx, row + dy, colour)
                } else if squared <= reach * reach {
                    canvas.set(column + dx, row + dy, .black)
                }
            }
        }
        return canvas.image
    }

    /// The edges of `box`, one pixel wide.
    package static func drawBox(_ box: PixelBox, over image: RGBImage, colour: Colour) -> RGBImage {
        var canvas = Canvas(image)
        canvas.fill(PixelBox(x0: box.x0, y0: box.y0, x1: box.x1, y1: box.y0), colour)
        canvas.fill(PixelBox(x0: box.x0, y0: box.y1, x1: box.x1, y1: box.y1), colour)
        canvas.fill(PixelBox(x0: box.x0, y0: box.y0, x1: box.x0, y1: box.y1), colour)
        canvas.fill(PixelBox(x0: box.x1, y0: box.y0, x1: box.x1, y1: box.y1), colour)
        return canvas.image
    }
}
