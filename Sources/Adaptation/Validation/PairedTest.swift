import Glibc

/// Whether paired differences lie above a margin: a one-sided t test with a moderated variance (Smyth 2004, §4).
///
/// A handful of differences says little about its own spread: two images that happen to gain alike would seem certain. So
/// the sample variance is mixed with a prior, a spread of five Dice points worth `priorFreedom` observations; with many
/// images the data speak alone.
package struct PairedTest: Sendable, Equatable {
    static let priorDeviation = 0.05
    static let priorFreedom = 2.0

    package let mean: Double
    /// The probability of such a mean or a higher one if the true mean were the margin.
    package let pValue: Double

    /// - Parameter differences: One per patient; at least one.
    package init(_ differences: [Double], above margin: Double) {
        precondition(!differences.isEmpty, "nothing to test")
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let freedom = Self.priorFreedom + count - 1
        let variance = (Self.priorFreedom * Self.priorDeviation * Self.priorDeviation + squares) / freedom
        self.mean = mean
        pValue = StudentT.upperTail((mean - margin) / (variance / count).squareRoot(), freedom: freedom)
    }
}

/// Student's t distribution.
package enum StudentT {
    /// The t below which it lies with a probability, by halving: an interval is made seldom.
    ///
    /// - Parameters:
    ///   - probability: 0.5 to below 1.
    ///   - freedom: Degrees of freedom, at least 1.
    package static func quantile(_ probability: Double, freedom: Double) -> Double {
        precondition((0.5..<1).contains(probability) && freedom >= 1, "no such quantile")
        var (low, high) = (0.0, 1.0)
        while upperTail(high, freedom: freedom) > 1 - probability { high *= 2 }
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if upperTail(middle, freedom: freedom) > 1 - probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// P(T > t), by the regularised incomplete beta function (Abramowitz and Stegun 26.7.1).
    static func upperTail(_ t: Double, freedom: Double) -> Double {
        let half = 0.5 * regularisedBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
        return t > 0 ? half : 1 - half
    }

    /// I_x(a, b), by Lentz's evaluation of its continued fraction (Abramowitz and Stegun 26.5.8).
    static func regularisedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        // The fraction converges fast below the mean; above it the mirrored one does.
        if x > (a + 1) / (a + b + 2) { return 1 - regularisedBeta(1 - x, b, a) }
        let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
        let tiny = 1e-300
        var (c, d) = (1.0, 1 / nonZero(1 - (a + b) * x / (a + 1), tiny))
        var fraction = d
        for step in 1..<300 {
            let m = Double(step)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            for term in [even, odd] {
                d = 1 / nonZero(1 + term * d, tiny)
                c = nonZero(1 + term / c, tiny)
                fraction *= c * d
            }
            if abs(c * d - 1) < 1e-14 { break }
        }
        return front * fraction
    }

    private static func nonZero(_ value: Double, _ tiny: Double) -> Double { abs(value) < tiny ? tiny : value }
}
