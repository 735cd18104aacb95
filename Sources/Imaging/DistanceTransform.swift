/// Millimetres from one pixel to the next, along each axis.
package struct Spacing: Sendable, Equatable {
    package let x: Double
    package let y: Double

    /// What can be the distance of pixels: a nanometre to a kilometre. Squares of it, times any image side, are finite.
    package static let allowed = 1e-6...1e6

    /// nil unless both lie in `allowed`.
    package init?(x: Double, y: Double) {
        guard Self.allowed.contains(x), Self.allowed.contains(y) else { return nil }
        self.x = x
        self.y = y
    }

    static let unit = Spacing(unchecked: 1, 1)

    private init(unchecked x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }
}

/// Exact Euclidean distances in time linear in the pixels (Felzenszwalb and Huttenlocher, "Distance Transforms of
/// Sampled Functions", Theory of Computing 8, 2012).
package enum DistanceTransform {
    /// The distance from every pixel's centre to that of the nearest 1 of `mask`, in pixels, or millimetres with
    /// `spacing`.
    ///
    /// - Returns: `[height, width]`; 0 on the mask, infinity everywhere when it is empty.
    package static func distances(to mask: Mask, spacing: Spacing? = nil) -> [Double] {
        let spacing = spacing ?? .unit
        var squared = squaredColumnDistances(to: mask, spacing: spacing.y)
        var envelope = LowerEnvelope(width: mask.width, spacing: spacing.x)
        for y in 0..<mask.height {
            envelope.replaceByMinimum(&squared, from: y * mask.width)
        }
        for index in squared.indices { squared[index] = squared[index].squareRoot() }
        return squared
    }

    /// For every pixel of `mask` the distance, in pixels, to the nearest one that is outside it; what lies beyond the
    /// image is outside. 0 elsewhere.
    package static func depths(in mask: Mask) -> [Double] {
        // A frame of outside pixels makes the border count.
        let width = mask.width + 2
        var outside = [UInt8](repeating: 1, count: width * (mask.height + 2))
        for y in 0..<mask.height {
            for x in 0..<mask.width { outside[(y + 1) * width + x + 1] = 1 - mask.pixels[y * mask.width + x] }
        }
        let framed = distances(to: Mask(width: width, height: mask.height + 2, pixels: outside))
        return (1...mask.height).flatMap { y in framed[y * width + 1...y * width + mask.width] }
    }

    /// The pixel of `mask` that is farthest from its outside, the first in raster order among equals; nil when it is
    /// empty. Where a person would click.
    package static func deepestPixel(in mask: Mask) -> (x: Int, y: Int)? {
        var (best, depth) = (-1, 0.0)
        for (index, value) in depths(in: mask).enumerated() where value > depth { (best, depth) = (index, value) }
        return best < 0 ? nil : (best % mask.width, best / mask.width)
    }

    /// Squared distance to the nearest 1 in the same column.
    private static func squaredColumnDistances(to mask: Mask, spacing: Double) -> [Double] {
        let (width, height) = (mask.width, mask.height)
        var steps = [Double](repeating: .infinity, count: width * height)
        for index in steps.indices {
            if mask.pixels[index] != 0 {
                steps[index] = 0
            } else if index >= width {
                steps[index] = steps[index - width] + 1
            }
        }
        for index in stride(from: width * (height - 1) - 1, through: 0, by: -1) {
            steps[index] = min(steps[index], steps[index + width] + 1)
        }
        for index in steps.indices {
            let distance = steps[index] * spacing
            steps[index] = distance * distance
        }
        return steps
    }
}

/// For one row: the least, over all columns q, of (spacing · (x − q))² + value(q), as the lower envelope of parabolas.
private struct LowerEnvelope {
    private let spacing: Double
    private let width: Int
    private var vertices: [Int]
    private var heights: [Double]
    /// Where each parabola of the envelope takes over from the one before.
    private var starts: [Double]

    init(width: Int, spacing: Double) {
        self.width = width
        self.spacing = spacing
        vertices = [Int](repeating: 0, count: width)
        heights = [Double](repeating: 0, count: width)
        starts = [Double](repeating: 0, count: width)
    }

    mutating func replaceByMinimum(_ values: inout [Double], from start: Int) {
        var count = 0
        for column in 0..<width where values[start + column] < .infinity {
            let value = values[start + column]
            var takesOver = -Double.infinity
            while count > 0 {
                takesOver = crossing(vertices[count - 1], heights[count - 1], column, value)
                if takesOver > starts[count - 1] { break }
                count -= 1
                takesOver = -.infinity
            }
            vertices[count] = column
            heights[count] = value
            starts[count] = takesOver
            count += 1
        }
        guard count > 0 else { return }
        var current = 0
        for column in 0..<width {
            let position = spacing * Double(column)
            while current + 1 < count, starts[current + 1] < position { current += 1 }
            let offset = spacing * Double(column - vertices[current])
            values[start + column] = offset * offset + heights[current]
        }
    }

    /// Where the parabola of the later column falls below that of the earlier one.
    private func crossing(_ earlier: Int, _ earlierHeight: Double, _ later: Int, _ laterHeight: Double) -> Double {
        let (p, q) = (spacing * Double(earlier), spacing * Double(later))
        return ((laterHeight + q * q) - (earlierHeight + p * p)) / (2 * (q - p))
    }
}
