import Glibc
package import SegmentAnything
import Tensor

/// What a token of an image embedding is compared by: what it shows, what its neighbourhood shows, both against the image's mean
/// token, and where in the image it lies.
///
/// Tokens alone say what a thing looks like; organs also have a place and a surrounding, and images of one kind are mostly taken alike.
/// Where they are not, places tell nothing apart, and the discriminant gives them no weight.
package struct TokenFeatures: Sendable {
    /// F.
    package let count: Int
    /// `[g · g, F]`: C channels of the token, C of the neighbourhood, then nearness to each of 5 × 5 landmarks. 0 on the padding.
    package let values: [Float]

    /// Tokens to each side that are a token's neighbourhood: two of 32.
    private static func reach(side: Int) -> Int { max(side / 16, 1) }

    /// Along each axis, in half sides of the image from its middle; and the standard deviation of being near one.
    private static let landmarks: [Float] = [-0.8, -0.4, 0, 0.4, 0.8]
    private static let spread: Float = 0.4

    /// - Parameters:
    ///   - embedding: Of all of an image.
    ///   - isMirrored: Whether that is the mirror image of the one that is asked about: what lies right in it lies left.
    package init(_ embedding: ImageEmbedding, isMirrored: Bool = false) {
        let (side, channels) = (embedding.tensor.shape[1], embedding.tensor.shape[3])
        let (landmarkCount, geometry) = (Self.landmarks.count, embedding.geometry)
        let count = 2 * channels + landmarkCount * landmarkCount
        let weight = MaskTarget.frame(geometry, side: side)
        let across = Self.places(resized: geometry.resizedWidth, square: geometry.side, side: side)
            .map { Self.nearness(of: isMirrored ? -$0 : $0) }
        let down = Self.places(resized: geometry.resizedHeight, square: geometry.side, side: side)
            .map { Self.nearness(of: $0) }
        let centred = embedding.tensor.withUnsafeElements { Self.centred($0, channels: channels, weight: weight) }
        let (near, nearWeight) = Self.neighbourhoods(centred, channels: channels, weight: weight, side: side)
        var values = [Float](repeating: 0, count: side * side * count)
        for token in 0..<side * side where weight[token] > 0 {
            let (start, source) = (token * count, token * channels)
            let share = weight[token]
            let nearShare = nearWeight[token]
            for channel in 0..<channels {
                values[start + channel] = centred[source + channel] / share
                values[start + channels + channel] = near[source + channel] / nearShare
            }
            for (row, vertical) in down[token / side].enumerated() {
                for (column, horizontal) in across[token % side].enumerated() {
                    values[start + 2 * channels + row * landmarkCount + column] = vertical * horizontal
                }
            }
        }
        self.count = count
        self.values = values
    }

    /// The tokens less their mean, each times its weight.
    private static func centred(
        _ tokens: UnsafeBufferPointer<Float>, channels: Int, weight: [Float]
    ) -> [Float] {
        var mean = [Float](repeating: 0, count: channels)
        let total = weight.reduce(0, +)
        for (token, share) in weight.enumerated() where share > 0 {
            for channel in 0..<channels { mean[channel] += share / total * tokens[token * channels + channel] }
        }
        var centred = [Float](repeating: 0, count: tokens.count)
        for (token, share) in weight.enumerated() where share > 0 {
            for channel in 0..<channels {
                centred[token * channels + channel] = share * (tokens[token * channels + channel] - mean[channel])
            }
        }
        return centred
    }

    /// Sums over the square about each token, of weighted tokens and of weights: along rows first, then along columns.
    private static func neighbourhoods(
        _ tokens: [Float], channels: Int, weight: [Float], side: Int
    ) -> (tokens: [Float], weight: [Float]) {
        func summed(_ values: [Float], _ width: Int, step: Int, place: (Int) -> Int) -> [Float] {
            let reach = reach(side: side)
            var sums = [Float](repeating: 0, count: values.count)
            for token in 0..<side * side {
                let here = place(token)
                for there in max(here - reach, 0)...min(here + reach, side - 1) {
                    let other = token + (there - here) * step
                    for channel in 0..<width { sums[token * width + channel] += values[other * width + channel] }
                }
            }
            return sums
        }
        func both(_ values: [Float], _ width: Int) -> [Float] {
            summed(summed(values, width, step: 1) { $0 % side }, width, step: side) { $0 / side }
        }
        return (both(tokens, channels), both(weight, 1))
    }

    /// Of each token along an axis the middle, in half sides of the image from its own; a token that is mostly padding counts as on the edge.
    private static func places(resized: Int, square: Int, side: Int) -> [Float] {
        (0..<side).map { min(2 * (Float($0) + 0.5) * Float(square) / Float(side * resized) - 1, 1) }
    }

    /// How near a place along an axis lies to each of the landmarks, `[5]`.
    private static func nearness(of place: Float) -> [Float] {
        landmarks.map { expf(-(place - $0) * (place - $0) / (2 * spread * spread)) }
    }
}
