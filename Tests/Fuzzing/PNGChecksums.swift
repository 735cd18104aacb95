/// The CRC-32 that ends each chunk of a PNG (PNG §5.3).
enum PNGChecksums {
    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private static let table = (0..<256).map { (index: UInt32) in
        (0..<8).reduce(index) { value, _ in value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ (value >> 1) }
    }

    /// `file` with the right checksum behind each chunk that is whole; nil when it is no PNG.
    static func mended(_ file: [UInt8]) -> [UInt8]? {
        guard file.starts(with: signature) else { return nil }
        var (file, start) = (file, signature.count)
        while file.count - start >= 12 {
            let length = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= file.count - start - 12 else { break }
            let end = start + 8 + length
            let checksum = ~file[start + 4..<end].reduce(~UInt32(0)) {
                table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8)
            }
            for index in 0..<4 { file[end + index] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(index))) }
            start = end + 4
        }
        return file
    }
}
