/// The checksum of zip archives: CRC-32 with the polynomial 0xEDB88320, reflected (APPNOTE.TXT 4.4.7).
enum CRC32 {
    /// `tables[k][b]` is what byte `b` contributes from `k` bytes further on: eight bytes are taken at a time.
    private static let tables: [[UInt32]] = {
        var tables = [[UInt32]](repeating: [UInt32](repeating: 0, count: 256), count: 8)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            tables[0][byte] = value
        }
        for byte in 0..<256 {
            for k in 1..<8 {
                let previous = tables[k - 1][byte]
                tables[k][byte] = previous >> 8 ^ tables[0][Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    private static let flat: [UInt32] = tables.flatMap { $0 }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        flat.withUnsafeBufferPointer { table in
            var value = UInt32.max
            var index = 0
            while bytes.count - index >= 8 {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(value)
                value = 0
                for k in 0..<8 { value ^= table[(7 - k) << 8 | Int(word >> UInt64(8 * k) & 0xFF)] }
                index += 8
            }
            while index < bytes.count {
                value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ bytes[index])]
                index += 1
            }
            return ~value
        }
    }
}
