package import SegmentAnything
import Tensor

/// First and second moments of feature vectors of one image, those of its object and those of the rest: of the tokens of its embedding, or
/// of its pixels. Sums of them are those of several images, and differences leave an image out.
package struct FeatureMoments: Sendable {
    package struct Part: Sendable {
        /// Vectors, by how much each counts.
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
        self = embedding.tensor.withUnsafeElements { features in
            FeatureMoments(features, channels: channels, truth: target.truth, weight: target.weight)
        }
    }

    /// - Parameters:
    ///   - features: Of the g × g tokens.
    ///   - target: The object's share of each.
    package init(_ features: TokenFeatures, target: MaskTarget) {
        self = features.values.withUnsafeBufferPointer { values in
            FeatureMoments(values, channels: features.count, truth: target.truth, weight: target.weight)
        }
    }

    /// - Parameters:
    ///   - features: `[N, channels]`.
    ///   - truth: `[N]`, of each vector the share that is object.
    ///   - weight: `[N]`, how much each counts.
    init(_ features: UnsafeBufferPointer<Float>, channels: Int, truth: [Float], weight weights: [Float]) {
        let count = weights.count
        precondition(truth.count == count && features.count == count * channels, "not [\(count), \(channels)]")
        var (inside, outside) = (Part(weight: 0, sum: []), Part(weight: 0, sum: []))
        (inside.sum, outside.sum) = ([Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels))
        var weighted = [Float](repeating: 0, count: count * channels)
        var product = [Float](repeating: 0, count: channels * channels)
        for index in 0..<count where weights[index] > 0 {
            let weight = weights[index]
            let object = Double(weight * truth[index])
            let ground = Double(weight) - object
            inside.weight += object
            outside.weight += ground
            for channel in 0..<channels {
                let feature = features[index * channels + channel]
                inside.sum[channel] += object * Double(feature)
                outside.sum[channel] += ground * Double(feature)
                weighted[index * channels + channel] = weight * feature
            }
        }
        weighted.withUnsafeBufferPointer { weighted in
            product.withUnsafeMutableBufferPointer { product in
                guard let base = features.baseAddress, let left = weighted.baseAddress,
                    let target = product.baseAddress
                else { return }
                MatrixProduct.slice(
                    target, stride: channels, rows: channels, columns: channels, depth: count,
                    a: .init(left, stride: channels, isTransposed: true), b: .init(base, stride: channels))
            }
        }
        (self.inside, self.outside) = (inside, outside)
        second = product.map(Double.init)
    }

    package static func + (one: FeatureMoments, other: FeatureMoments) -> FeatureMoments {
        one.combined(other, sign: 1)
    }

    package static func - (one: FeatureMoments, other: FeatureMoments) -> FeatureMoments {
        one.combined(other, sign: -1)
    }

    private func combined(_ other: FeatureMoments, sign: Double) -> FeatureMoments {
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
