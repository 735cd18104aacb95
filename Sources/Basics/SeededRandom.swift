/// A reproducible random number generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
///
/// The same seed gives the same sequence on every machine and version, which is what makes an adaptation repeatable;
/// it is not for secrets.
package struct SeededRandom: RandomNumberGenerator, Sendable, Equatable {
    /// The whole state; storing it in a checkpoint resumes the sequence.
    package private(set) var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1), 24 random bits.
    package mutating func uniform() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// An integer in 0..<bound; `bound` is positive.
    package mutating func index(below bound: Int) -> Int {
        precondition(bound > 0, "bound must be positive")
        return Int(next(upperBound: UInt64(bound)))
    }
}
