/// Pixels being drawn on. What falls outside is left out.
struct Canvas {
    let width: Int
    let height: Int
    private var pixels: [UInt8]

    init(_ image: RGBImage) {
        width = image.width
        height = image.height
        pixels = image.pixels
    }

    init(width: Int, height: Int, background: Colour) {
        self.init(RGBImage(width: width, height: height, filledWith: background))
    }

    var image: RGBImage { RGBImage(width: width, height: height, pixels: pixels) }

    mutating func set(_ x: Int, _ y: Int, _ colour: Colour) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        let start = (y * width + x) * 3
        pixels[start] = colour.red
        pixels[start + 1] = colour.green
        pixels[start + 2] = colour.blue
    }

    /// Mixes `colour` in; `weight` is of 256.
    mutating func blend(_ x: Int, _ y: Int, _ colour: Colour, weight: Int) {
        guard (0..<width).contains(x), (0..<height).contains(y) else { return }
        let start = (y * width + x) * 3
        for (channel, value) in [colour.red, colour.green, colour.blue].enumerated() {
            let mixed = Int(pixels[start + channel]) * (256 - weight) + Int(value) * weight
            pixels[start + channel] = UInt8((mixed + 128) >> 8)
        }
    }

    mutating func fill(_ box: PixelBox, _ colour: Colour) {
        let (left, right) = (max(0, box.x0), min(width - 1, box.x1))
        let (top, bottom) = (max(0, box.y0), min(height - 1, box.y1))
        guard left <= right, top <= bottom else { return }
        for y in top...bottom {
            for x in left...right { set(x, y, colour) }
        }
    }

    /// Copies `image` with its first pixel at (x, y).
    mutating func draw(_ image: RGBImage, x: Int, y: Int) {
        for row in 0..<image.height {
            for column in 0..<image.width {
                let start = (row * image.width + column) * 3
                let colour = Colour(
                    red: image.pixels[start], green: image.pixels[start + 1], blue: image.pixels[start + 2])
                set(x + column, y + row, colour)
            }
        }
    }

    /// Text with its top left corner at (x, y).
    mutating func draw(_ text: String, x: Int, y: Int, colour: Colour) {
        for (index, character) in text.enumerated() {
            let left = x + index * BitmapFont.advance
            for dot in BitmapFont.dots(of: character) { set(left + dot.x, y + dot.y, colour) }
        }
    }
}
