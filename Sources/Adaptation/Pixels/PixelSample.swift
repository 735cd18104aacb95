import Basics
package import Imaging

/// Some pixels of one support image, as many of its object as of what surrounds it.
package struct PixelSample {
    /// Of either kind at most.
    package static let limit = 8_192

    /// Indices of the pixels, rising.
    private let pixels: [Int]
    /// `[N]`: 1 in the object.
    package let truth: [Float]
    /// `[N]`: pixels that each stands for.
    package let weight: [Float]

    /// - Parameter mask: Of an image as large as itself.
    package init(_ mask: Mask, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var kinds: [[Int]] = [[], []]
        for (index, value) in mask.pixels.enumerated() { kinds[value == 0 ? 0 : 1].append(index) }
        var drawn: [(pixel: Int, truth: Float, weight: Float)] = []
        for (kind, all) in kinds.enumerated() where !all.isEmpty {
            let count = min(all.count, Self.limit)
            for number in 0..<count {
                // One of each of so many equal stretches.
                let (start, end) = (number * all.count / count, (number + 1) * all.count / count)
                let pixel = all[start + random.index(below: end - start)]
                drawn.append((pixel, Float(kind), Float(all.count) / Float(count)))
            }
        }
        drawn.sort { $0.pixel < $1.pixel }
        pixels = drawn.map(\.pixel)
        truth = drawn.map(\.truth)
        weight = drawn.map(\.weight)
    }

    /// The features of these pixels.
    package func block(_ features: PixelFeatures) -> FeatureBlock {
        var values = [Float](repeating: 0, count: PixelFeatures.count * pixels.count)
        var next = 0
        for start in stride(from: 0, to: features.height, by: PixelPrototypes.band) {
            let rows = start..<min(start + PixelPrototypes.band, features.height)
            let end = rows.upperBound * features.width
            guard next < pixels.count, pixels[next] < end else { continue }
            let block = features.block(rows: rows)
            while next < pixels.count, pixels[next] < end {
                let place = pixels[next] - start * features.width
                for feature in 0..<PixelFeatures.count {
                    values[feature * pixels.count + next] = block.values[feature * block.count + place]
                }
                next += 1
            }
        }
        return FeatureBlock(count: pixels.count, values: values)
    }

    /// How far the object and the rest lie apart in one value of each pixel: the squared distance of their means over the sum of their
    /// variances (Fisher 1936).
    package func criterion(_ plane: [Float]) -> Double {
        var (sums, squares, weights) = ([0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
        for (index, pixel) in pixels.enumerated() {
            let (kind, value, weight) = (Int(truth[index]), Double(plane[pixel]), Double(weight[index]))
            sums[kind] += weight * value
            squares[kind] += weight * value * value
            weights[kind] += weight
        }
        guard weights[0] > 0, weights[1] > 0 else { return 0 }
        let means = [sums[0] / weights[0], sums[1] / weights[1]]
        let spread = (0...1).reduce(0.0) { $0 + max(squares[$1] / weights[$1] - means[$1] * means[$1], 0) }
        return (means[1] - means[0]) * (means[1] - means[0]) / max(spread, 1e-9)
    }
}
