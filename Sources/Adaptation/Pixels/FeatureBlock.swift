import Tensor

/// The features of some pixels, and what is compared: the features and all products of two of them, as a plane between two kinds of
/// pixels in these is a curved surface in those.
package struct FeatureBlock {
    /// Pixels, N.
    package let count: Int
    /// `[F, N]`.
    package let values: [Float]

    /// K: F features and the products of each with itself and the later ones.
    package static let termCount = PixelFeatures.count * (PixelFeatures.count + 3) / 2

    package init(count: Int, values: [Float]) {
        precondition(values.count == count * PixelFeatures.count, "not [\(PixelFeatures.count), \(count)]")
        self.count = count
        self.values = values
    }

    /// Pixels at a time for which all features stay close at hand.
    private static let chunk = 256

    /// `w · terms + b` of each pixel, `[N]`.
    ///
    /// - Parameter prototypes: Of terms.
    package func similarity(_ prototypes: Prototypes) -> [Float] {
        precondition(prototypes.direction.count == Self.termCount, "prototypes of something else")
        let features = PixelFeatures.count
        var result = [Float](repeating: prototypes.offset, count: count)
        var factor = [Float](repeating: 0, count: Self.chunk)
        result.withUnsafeMutableBufferPointer { result in
            values.withUnsafeBufferPointer { values in
                factor.withUnsafeMutableBufferPointer { factor in
                    guard let result = result.baseAddress, let values = values.baseAddress,
                        let factor = factor.baseAddress
                    else { return }
                    for start in stride(from: 0, to: count, by: Self.chunk) {
                        let length = min(Self.chunk, count - start)
                        var term = features
                        for first in 0..<features {
                            // Σ f₁ (w₁ + Σ w₁₂ f₂), so that each weight is used once.
                            factor.update(repeating: prototypes.direction[first], count: length)
                            for second in first..<features {
                                let weight = prototypes.direction[term]
                                let other = values + second * count + start
                                for index in 0..<length { factor[index] += weight * other[index] }
                                term += 1
                            }
                            let own = values + first * count + start
                            for index in 0..<length { result[start + index] += own[index] * factor[index] }
                        }
                    }
                }
            }
        }
        return result
    }

    /// The terms of some of the pixels, `[N', K]`.
    package func terms(_ pixels: Range<Int>) -> [Float] {
        let features = PixelFeatures.count
        return [Float](unsafeUninitializedCapacity: pixels.count * Self.termCount) { terms, filled in
            for pixel in pixels {
                for first in 0..<features {
                    terms.initializeElement(at: filled + first, to: values[first * count + pixel])
                }
                var term = filled + features
                for first in 0..<features {
                    for second in first..<features {
                        terms.initializeElement(
                            at: term, to: values[first * count + pixel] * values[second * count + pixel])
                        term += 1
                    }
                }
                filled = term
            }
        }
    }
}
