import Basics

/// A name for each request, by which its answer, its log lines and what its user reports are brought together.
struct RequestID: Sendable {
    // Two processes do not give the same names, and nobody can tell from a name how many requests there were.
    private let salt = UInt64.random(in: .min ... .max)

    /// 16 hexadecimal digits, different for every `number`.
    func name(_ number: UInt64) -> String {
        String(unsafeUninitializedCapacity: Self.length) { buffer in
            write(number, to: buffer)
            return Self.length
        }
    }

    /// Appends the same digits.
    func append(_ number: UInt64, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { buffer in
            write(number, to: buffer)
            output.append(contentsOf: buffer)
        }
    }

    private static let length = 16

    /// Writes the digits of `number`.
    ///
    /// The generator maps each 64-bit seed to another first number, no two to the same.
    private func write(_ number: UInt64, to buffer: UnsafeMutableBufferPointer<UInt8>) {
        var random = SeededRandom(seed: salt &+ number)
        let mixed = random.next()
        let digits = StaticString("0123456789abcdef")
        for place in 0..<Self.length {
            buffer[Self.length - 1 - place] = digits.utf8Start[Int(mixed >> (4 * UInt64(place)) & 15)]
        }
    }
}
