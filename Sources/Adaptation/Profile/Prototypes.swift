import Glibc
package import SegmentAnything
import Tensor

/// What tells a support set's object from its surroundings before any training, by features of tokens or of pixels: the mean of
/// each (their prototypes; Snell et al. 2017), and the direction between them in which they overlap least (Fisher 1936).
///
/// A similarity is the log-odds of its being object if both kinds were normal with one covariance:
/// `w · f + b`, `w = S⁻¹ (m₁ − m₀)`, `b = −w · (m₁ + m₀) / 2 + log(n₁ / n₀)`. S is shrunk towards a diagonal,
/// as a handful of images has fewer independent tokens than it seems.
package struct Prototypes: Sendable, Equatable {
    /// w, `[C]`.
    package let direction: [Float]
    /// b.
    package let offset: Float

    /// The share of variance that is added to every channel's.
    static let shrinkage = 0.01

    package init(direction: [Float], offset: Float) {
        self.direction = direction
        self.offset = offset
    }

    /// What is added to the diagonal of S: the shrinkage's share of
    package enum Shrinkage: Sendable {
        /// the mean variance, where all channels are of one kind;
        case towardsMeanVariance
        /// each channel's own, where they are of different units.
        case towardsOwnVariances
    }

    /// Nil when there is nothing of the object or nothing beside it.
    package init?(_ moments: FeatureMoments, shrinkage: Shrinkage = .towardsMeanVariance) {
        let (object, ground) = (moments.inside, moments.outside)
        guard object.weight > 1e-3, ground.weight > 1e-3 else { return nil }
        let channels = object.sum.count
        let (first, second) = (object.mean, ground.mean)
        let total = object.weight + ground.weight
        var scatter = moments.second
        for row in 0..<channels {
            for column in 0..<channels {
                let between =
                    object.weight * first[row] * first[column] + ground.weight * second[row] * second[column]
                scatter[row * channels + column] = (scatter[row * channels + column] - between) / total
            }
        }
        let variance = (0..<channels).reduce(0.0) { $0 + scatter[$1 * channels + $1] } / Double(channels)
        for channel in 0..<channels {
            let own = scatter[channel * channels + channel]
            let usual = shrinkage == .towardsMeanVariance ? variance : own
            scatter[channel * channels + channel] += max(Prototypes.shrinkage * usual, 1e-9)
        }
        let difference = zip(first, second).map { $0 - $1 }
        guard let solved = Cholesky.solve(scatter, difference) else { return nil }
        let middle = zip(solved, zip(first, second)).reduce(0.0) { $0 + $1.0 * ($1.1.0 + $1.1.1) / 2 }
        let offset = log(object.weight / ground.weight) - middle
        guard offset.isFinite, solved.allSatisfy(\.isFinite) else { return nil }
        self.init(direction: solved.map(Float.init), offset: Float(offset))
    }

    /// The same with every similarity lower by `shift`.
    package func lowered(by shift: Float) -> Prototypes { Prototypes(direction: direction, offset: offset - shift) }

    /// The same with every similarity multiplied by `factor`.
    package func scaled(by factor: Float) -> Prototypes {
        Prototypes(direction: direction.map { factor * $0 }, offset: factor * offset)
    }

    /// The log-odds of each token of `embedding`, `[g, g]`, by the tokens alone.
    package func similarity(_ embedding: ImageEmbedding) -> [Float] {
        embedding.tensor.withUnsafeElements { similarity($0) }
    }

    /// The log-odds of each token, `[g, g]`, by its features.
    package func similarity(_ features: TokenFeatures) -> [Float] {
        features.values.withUnsafeBufferPointer { similarity($0) }
    }

    /// - Parameter features: `[N, C]`.
    private func similarity(_ features: UnsafeBufferPointer<Float>) -> [Float] {
        let channels = direction.count
        precondition(features.count.isMultiple(of: channels), "\(features.count) values of \(channels) each")
        return (0..<features.count / channels).map { token in
            var sum = offset
            for channel in 0..<channels { sum += direction[channel] * features[token * channels + channel] }
            return sum
        }
    }
}

/// `A = L Lᵀ` for symmetric, positive definite A.
package enum Cholesky {
    /// x with `a x = b`; nil when `a`, `[n, n]`, is not positive definite.
    package static func solve(_ a: [Double], _ b: [Double]) -> [Double]? {
        let n = b.count
        precondition(a.count == n * n, "a is not [\(n), \(n)]")
        var lower = a
        for row in 0..<n {
            for column in 0...row {
                var sum = a[row * n + column]
                for k in 0..<column { sum -= lower[row * n + k] * lower[column * n + k] }
                if row == column {
                    guard sum > 0 else { return nil }
                    lower[row * n + row] = sum.squareRoot()
                } else {
                    lower[row * n + column] = sum / lower[column * n + column]
                }
            }
        }
        var x = b
        for row in 0..<n {
            for k in 0..<row { x[row] -= lower[row * n + k] * x[k] }
            x[row] /= lower[row * n + row]
        }
        for row in (0..<n).reversed() {
            for k in row + 1..<n { x[row] -= lower[k * n + row] * x[k] }
            x[row] /= lower[row * n + row]
        }
        return x
    }
}
