/// How each pixel stands out from what surrounds it: its brightness less the mean of a window about it, in standard deviations of the
/// window. So slow shading, and how bright and how contrasty an image is as a whole, say nothing.
package struct LocalContrast {
    /// From a pixel to its window's edge.
    package static let reach = 24
    /// Added to every deviation, in grey levels: less is noise of an even region.
    package static let noise = 4.0

    package let width: Int
    package let height: Int
    /// `[height, width]`, like the two below.
    package let contrast: [Float]
    /// Of the window, in grey levels.
    package let mean: [Float]
    package let deviation: [Float]

    /// - Parameter plane: `[height, width]`, 0 to 255.
    package init(_ plane: [Float], width: Int, height: Int) {
        precondition(width > 0 && height > 0 && plane.count == width * height, "plane is not [\(height), \(width)]")
        self.width = width
        self.height = height
        var (contrast, mean, deviation) = (plane, plane, plane)
        // Sums of the window's rows, kept up from one line to the next; in doubles, where sums of bytes are exact.
        var (columns, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
        func add(row: Int, sign: Double) {
            for x in 0..<width {
                let value = Double(plane[row * width + x])
                columns[x] += sign * value
                squares[x] += sign * value * value
            }
        }
        for row in 0..<min(Self.reach, height) { add(row: row, sign: 1) }
        for y in 0..<height {
            if y + Self.reach < height { add(row: y + Self.reach, sign: 1) }
            if y > Self.reach { add(row: y - Self.reach - 1, sign: -1) }
            let rows = min(y + Self.reach, height - 1) - max(y - Self.reach, 0) + 1
            var (sum, square) = (0.0, 0.0)
            for x in 0..<min(Self.reach, width) {
                sum += columns[x]
                square += squares[x]
            }
            for x in 0..<width {
                if x + Self.reach < width {
                    sum += columns[x + Self.reach]
                    square += squares[x + Self.reach]
                }
                if x > Self.reach {
                    sum -= columns[x - Self.reach - 1]
                    square -= squares[x - Self.reach - 1]
                }
                let count = Double(rows * (min(x + Self.reach, width - 1) - max(x - Self.reach, 0) + 1))
                let centre = sum / count
                let spread = max(square / count - centre * centre, 0).squareRoot() + Self.noise
                let pixel = y * width + x
                contrast[pixel] = Float((Double(plane[pixel]) - centre) / spread)
                mean[pixel] = Float(centre)
                deviation[pixel] = Float(spread)
            }
        }
        (self.contrast, self.mean, self.deviation) = (contrast, mean, deviation)
    }
}
