package import Imaging
package import SegmentAnything

/// The prompt itself as a mask: what a model must beat to be worth running.
package enum PromptShapes {
    /// The disc at a point has this share of the image's shorter side as its radius: an eighth, so that on a square image
    /// it covers 5 %. The rule knows nothing of the target.
    package static let discRadius = 0.125

    /// The pixels whose centres lie in the ellipse inscribed in the box, whose edges are those of its corner pixels.
    package static func ellipse(in box: Prompt.Box, width: Int, height: Int) -> Mask {
        let (centreX, centreY) = (Double(box.x0 + box.x1) / 2, Double(box.y0 + box.y1) / 2)
        let (radiusX, radiusY) = (Double(box.x1 - box.x0 + 1) / 2, Double(box.y1 - box.y0 + 1) / 2)
        return mask(width, height) { x, y in
            let (dx, dy) = ((Double(x) - centreX) / radiusX, (Double(y) - centreY) / radiusY)
            return dx * dx + dy * dy <= 1
        }
    }

    package static func filled(_ box: Prompt.Box, width: Int, height: Int) -> Mask {
        mask(width, height) { x, y in
            (box.x0 - 0.5...box.x1 + 0.5).contains(Float(x)) && (box.y0 - 0.5...box.y1 + 0.5).contains(Float(y))
        }
    }

    package static func disc(at point: Prompt.Point, width: Int, height: Int) -> Mask {
        let radius = discRadius * Double(min(width, height))
        return mask(width, height) { x, y in
            let (dx, dy) = (Double(x) - Double(point.x), Double(y) - Double(point.y))
            return dx * dx + dy * dy <= radius * radius
        }
    }

    package static func wholeImage(width: Int, height: Int) -> Mask { mask(width, height) { _, _ in true } }

    private static func mask(_ width: Int, _ height: Int, _ contains: (Int, Int) -> Bool) -> Mask {
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height) { buffer, count in
            for y in 0..<height {
                for x in 0..<width { buffer.initializeElement(at: y * width + x, to: contains(x, y) ? 1 : 0) }
            }
            count = width * height
        }
        return Mask(width: width, height: height, pixels: pixels)
    }
}
