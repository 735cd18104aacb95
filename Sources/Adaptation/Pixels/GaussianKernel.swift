import Glibc

/// A Gaussian or a derivative of one along an axis, in units of its own width: the derivative of order n is multiplied by σⁿ, so
/// that what is as wide as σ answers alike at every σ (Lindeberg 1998).
struct GaussianKernel {
    /// Taps on either side of the middle: three σ.
    let radius: Int
    /// `[2 · radius + 1]`.
    let taps: [Float]

    /// - Parameters:
    ///   - sigma: In pixels.
    ///   - order: Of the derivative: 0, 1 or 2.
    init(sigma: Double, order: Int) {
        precondition(sigma > 0 && (0...2).contains(order), "σ \(sigma), order \(order)")
        let radius = Int((3 * sigma).rounded(.up))
        let places = (-radius...radius).map { Double($0) / sigma }
        let bell = places.map { exp(-$0 * $0 / 2) }
        let total = bell.reduce(0, +)
        var taps = zip(places, bell).map { place, value in
            switch order {
            case 0: value / total
            case 1: place * value / total
            default: (place * place - 1) * value / total
            }
        }
        if order == 2 {
            // What was cut off at the ends; an even region shall have no curvature.
            let rest = taps.reduce(0, +)
            taps = zip(taps, bell).map { $0 - rest * $1 / total }
        }
        self.radius = radius
        self.taps = taps.map(Float.init)
    }
}
