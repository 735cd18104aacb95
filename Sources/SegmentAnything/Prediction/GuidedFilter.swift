/// Smooths one picture along the edges of another: in each small square the result is a straight line of the guide's values
/// (He, Sun and Tang, "Guided Image Filtering", 2013, equations 4 to 8).
package struct GuidedFilter {
    private let guide: [Float]
    private let mean: [Float]
    /// Of the guide in each square, and ε.
    private let variance: [Float]
    private let box: BoxMean

    /// - Parameters:
    ///   - guide: `[height, width]`.
    ///   - radius: Of the squares: they are `2 · radius + 1` wide.
    ///   - epsilon: Variance of the guide below which there is no edge.
    package init(_ guide: [Float], width: Int, height: Int, radius: Int, epsilon: Float) {
        let box = BoxMean(width: width, height: height, radius: radius)
        let mean = box(guide)
        self.guide = guide
        self.box = box
        self.mean = mean
        variance = zip(box(guide.map { $0 * $0 }), mean).map { max($0 - $1 * $1, 0) + epsilon }
    }

    /// - Parameter picture: `[height, width]` as the guide, and so the result.
    package func callAsFunction(_ picture: [Float]) -> [Float] {
        let level = box(picture)
        let product = box(zip(guide, picture).map { $0 * $1 })
        let slope = guide.indices.map { (product[$0] - mean[$0] * level[$0]) / variance[$0] }
        let offset = box(guide.indices.map { level[$0] - slope[$0] * mean[$0] })
        return zip(zip(box(slope), guide), offset).map { $0.0 * $0.1 + $1 }
    }
}

/// The mean over a square about each cell, of as much of it as the picture has.
struct BoxMean {
    let width: Int
    let height: Int
    let radius: Int

    /// - Parameter picture: `[height, width]`, like the result.
    func callAsFunction(_ picture: [Float]) -> [Float] {
        var (rows, means) = (picture, picture)
        for y in 0..<height {
            for x in 0..<width {
                let (low, high) = (max(x - radius, 0), min(x + radius, width - 1))
                var sum: Float = 0
                for column in low...high { sum += picture[y * width + column] }
                rows[y * width + x] = sum / Float(high - low + 1)
            }
        }
        for y in 0..<height {
            let (low, high) = (max(y - radius, 0), min(y + radius, height - 1))
            for x in 0..<width {
                var sum: Float = 0
                for row in low...high { sum += rows[row * width + x] }
                means[y * width + x] = sum / Float(high - low + 1)
            }
        }
        return means
    }
}
