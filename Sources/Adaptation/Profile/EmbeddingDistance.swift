package import SegmentAnything
import Tensor

/// How far an image is from a support set, by what the encoder makes of it: the means and standard deviations of its
/// embedding's channels, compared with those of the nearest support image.
package struct EmbeddingDistance: Sendable, Equatable {
    /// One for each support image, `[2C]`.
    package let descriptors: [[Float]]
    /// The largest distance between a support image and its nearest neighbour; nil for less than two images.
    package let reference: Double?

    /// Of the support image whose tokens vary least; 0 without any.
    private let leastVariation: Double

    /// Beyond so many times the reference an image is unlike the support set.
    package static let limit = 1.5

    /// Tokens that vary by less than this share of what they vary by on the least varied support image show nothing.
    package static let blankShare = 0.4

    package init(descriptors: [[Float]]) {
        self.descriptors = descriptors
        leastVariation = descriptors.map(Self.variation).min() ?? 0
        let nearest = descriptors.indices.compactMap { index in
            descriptors.indices.filter { $0 != index }
                .map { Self.distance(descriptors[index], descriptors[$0]) }.min()
        }
        // The largest: whatever the support set itself holds is not far from it.
        reference = nearest.max().flatMap { $0 > 0 ? $0 : nil }
    }

    /// Distance to the nearest support image, in units of the reference; nil when there is none.
    package func value(_ embedding: ImageEmbedding) -> Double? {
        guard let reference else { return nil }
        let descriptor = Self.descriptor(embedding)
        return descriptors.map { Self.distance($0, descriptor) }.min().map { $0 / reference }
    }

    /// Whether there is nothing in an image to tell apart: a slice beyond the body, a lens that is covered. Its tokens are all alike, and
    /// may all be like the object where that is as even. The share lies in a gap: even images in four greys had 0.12 to 0.24 of
    /// what the least varied of ten images of eighteen sets had, and single images of these sets no less than three quarters of the set's median.
    package func isBlank(_ embedding: ImageEmbedding) -> Bool {
        Self.variation(Self.descriptor(embedding)) < Self.blankShare * leastVariation
    }

    /// The length of a descriptor's standard deviations.
    private static func variation(_ descriptor: [Float]) -> Double {
        descriptor.suffix(descriptor.count / 2).reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
    }

    /// Means, then standard deviations, over the tokens that lie on the image.
    package static func descriptor(_ embedding: ImageEmbedding) -> [Float] {
        let (side, channels) = (embedding.tensor.shape[1], embedding.tensor.shape[3])
        let weight = MaskTarget.frame(embedding.geometry, side: side)
        var (sum, squares, total) = (
            [Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels), 0.0
        )
        embedding.tensor.withUnsafeElements { features in
            for token in 0..<side * side where weight[token] > 0 {
                let share = Double(weight[token])
                total += share
                for channel in 0..<channels {
                    let feature = Double(features[token * channels + channel])
                    sum[channel] += share * feature
                    squares[channel] += share * feature * feature
                }
            }
        }
        let means = sum.map { $0 / total }
        let deviations = zip(squares, means).map { max($0 / total - $1 * $1, 0).squareRoot() }
        return (means + deviations).map(Float.init)
    }

    private static func distance(_ one: [Float], _ other: [Float]) -> Double {
        zip(one, other).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
    }
}
