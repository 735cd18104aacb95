package import SegmentAnything
import Tensor

/// First and second moments of the tokens of one image embedding, inside its object and outside. Sums of them are those of
/// several images, and differences leave an image out.
package struct TokenMoments: Sendable {
    package struct Part: Sendable {
        /// Tokens, by the share of each that counts.
        package var weight: Double
        /// `[C]`.
        package var sum: [Double]

        var mean: [Double] { sum.map { $0 / max(weight, 1e-9) } }
    }

    package var inside: Part
    package var outside: Part
    /// `[C, C]`, of both parts together, about the origin.
    package var second: [Double]

    /// - Parameters:
    ///   - embedding: `[1, g, g, C]`.
    ///   - target: The object's share of each of the g × g tokens.
    package init(_ embedding: ImageEmbedding, target: MaskTarget) {
        let channels = embedding.tensor.shape[3]
        let count = target.side * target.side
        precondition(embedding.tensor.count == count * channels, "\(embedding.tensor.shape) for \(count) tokens")
        var (inside, outside) = (Part(weight: 0, sum: []), Part(weight: 0, sum: []))
        (inside.sum, outside.sum) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        var weighted = [Float](repeating: 0, count: count * channels)
        var product = [Float](repeating: 0, count: channels * channels)
        embedding.tensor.withUnsafeElements { features in
            for token in 0..<count where target.weight[token] > 0 {
                let weight = target.weight[token]
                let object = Double(weight * target.truth[token])
                let ground = Double(weight) - object
                inside.weight += object
                outside.weight += ground
                for channel in 0..<channels {
                    let feature = features[token * channels + channel]
                    inside.sum[channel] += object * Double(feature)
                    outside.sum[channel] += ground * Double(feature)
                    weighted[token * channels + channel] = weight * feature
                }
            }
            guard let base = features.baseAddress else { return }
            weighted.withUnsafeBufferPointer { weighted in
                product.withUnsafeMutableBufferPointer { product in
                    guard let left = weighted.baseAddress, let target = product.baseAddress else { return }
                    MatrixProduct.slice(
                        target, stride: channels, rows: channels, columns: channels, depth: count,
                        a: .init(left, stride: channels, isTransposed: true), b: .init(base, stride: channels))
                }
            }
        }
        (self.inside, self.outside) = (inside, outside)
        second = product.map(Double.init)
    }

    package static func + (one: TokenMoments, other: TokenMoments) -> TokenMoments { one.combined(other, sign: 1) }

    package static func - (one: TokenMoments, other: TokenMoments) -> TokenMoments { one.combined(other, sign: -1) }

    private func combined(_ other: TokenMoments, sign: Double) -> TokenMoments {
        func join(_ one: [Double], _ two: [Double]) -> [Double] { zip(one, two).map { $0 + sign * $1 } }
        var result = self
        result.inside = Part(
            weight: inside.weight + sign * other.inside.weight, sum: join(inside.sum, other.inside.sum))
        result.outside = Part(
            weight: outside.weight + sign * other.outside.weight, sum: join(outside.sum, other.outside.sum))
        result.second = join(second, other.second)
        return result
    }
}
