import Glibc

/// Whether the object is in an image at all, by its most similar tokens.
///
/// The statistic is the mean similarity of the best k tokens, k half of the object's usual size. On each support image it
/// is taken twice: over the whole image, and over what lies beside the object, as if the object were not there. The
/// threshold lies between the two kinds, or below both.
package struct Presence: Sendable, Equatable {
    /// k.
    package let tokenCount: Int
    /// Similarity, log-odds.
    package let threshold: Float
    /// Half of the distance between the usual image and the usual one without the object; above 0.
    package let scale: Float

    package init(tokenCount: Int, threshold: Float, scale: Float) {
        self.tokenCount = tokenCount
        self.threshold = threshold
        self.scale = scale
    }

    /// - Parameters:
    ///   - found: The statistic of images with the object; at least one.
    ///   - absent: The same beside the object; empty when objects leave no room.
    package init(tokenCount: Int, found: [Float], absent: [Float]) {
        self.tokenCount = tokenCount
        let (found, absent) = (found.sorted(), absent.sorted())
        let usual = found[found.count / 2]
        guard let highest = absent.last else {
            (threshold, scale) = (found[0] - 1, 1)
            return
        }
        // Missing an object costs more than a mask to throw away, and a handful of images does not show the least similar one
        // to come: what counts as absent is twice as far below the least similar support image as that is below the usual one.
        let lowest = found[0]
        threshold = min((lowest + highest) / 2, lowest - 2 * (usual - lowest), lowest - 1e-3)
        scale = max((usual - absent[absent.count / 2]) / 2, 0.5)
    }

    /// The mean of the best `tokenCount` of `values`; nil when there is none.
    package static func statistic(_ values: [Float], tokenCount: Int) -> Float? {
        let best = values.sorted(by: >).prefix(tokenCount)
        return best.isEmpty ? nil : best.reduce(0, +) / Float(best.count)
    }

    /// From 0 to 1, above a half when the object is there.
    package func score(_ map: SimilarityMap) -> Double {
        let shown = zip(map.values, map.weight)
        // Of a ribbon thinner than a token no token is inside by half.
        let least: Float = shown.contains { $0.1 >= 0.5 } ? 0.5 : .leastNonzeroMagnitude
        let inside = shown.filter { $0.1 >= least }.map(\.0)
        guard let value = Presence.statistic(inside, tokenCount: tokenCount) else { return 0 }
        return Double(1 / (1 + expf(-2 * (value - threshold) / scale)))
    }

    package func isFound(score: Double) -> Bool { score >= 0.5 }
}
