import Basics
import Imaging

/// An image with structure at several scales, and an object in it.
struct BenchImage {
    let image: RGBImage
    let object: Mask

    /// - Parameter shift: Pixels by which the object lies beside the middle; each gives another picture.
    init(side: Int, shift: Int = 0) {
        var pixels = [UInt8](repeating: 0, count: side * side * 3)
        var object = [UInt8](repeating: 0, count: side * side)
        var random = SeededRandom(seed: 1)
        for y in 0..<side {
            for x in 0..<side {
                let (dx, dy) = (x - side / 2 - shift, y - side / 2)
                let inside = dx * dx + dy * dy < side * side / 25
                object[y * side + x] = inside ? 1 : 0
                let value = (inside ? 150 : 60) + (x ^ y) % 40 + random.index(below: 24)
                for channel in 0..<3 { pixels[(y * side + x) * 3 + channel] = UInt8(min(value, 255)) }
            }
        }
        image = RGBImage(width: side, height: side, pixels: pixels)
        self.object = Mask(width: side, height: side, pixels: object)
    }
}
