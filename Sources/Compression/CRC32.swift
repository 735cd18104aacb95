import CZlib

/// The checksum of zip archives: CRC-32 with the polynomial 0xEDB88320, reflected (APPNOTE.TXT 4.4.7), by zlib.
package enum CRC32 {
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
    }
}
