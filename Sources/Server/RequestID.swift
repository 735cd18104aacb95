/// A name for each request, by which its answer, its log lines and what its user reports are brought together.
struct RequestID: Sendable {
    // Two processes do not give the same names, and nobody can tell from a name how many requests there were.
    private let salt = UInt64.random(in: .min ... .max)

    /// 16 hexadecimal digits, different for every `number`.
    ///
    /// The finaliser of SplitMix64 maps each 64-bit number to another one, no two to the same.
    func name(_ number: UInt64) -> String {
        var mixed = salt &+ number &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        let digits = StaticString("0123456789abcdef")
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for place in 0..<16 { buffer[15 - place] = digits.utf8Start[Int(mixed >> (4 * UInt64(place)) & 15)] }
            return 16
        }
    }
}
