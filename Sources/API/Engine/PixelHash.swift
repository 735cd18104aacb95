import Basics
import Cryptography
package import Imaging

/// The identity of an image: its decoded samples, whatever file they came in, whatever the file was called.
package enum PixelHash {
    /// SHA-256, in hexadecimal, of width, height, channels and bit depth (32-bit little-endian each) and the interleaved
    /// samples (16-bit little-endian each).
    package static func of(_ image: RawImage) -> String {
        var hash = SHA256()
        for number in [image.width, image.height, image.channels, image.bitDepth] {
            withUnsafeBytes(of: UInt32(clamping: number).littleEndian) { hash.update($0) }
        }
        if 1.littleEndian == 1 {
            image.samples.withUnsafeBytes { hash.update($0) }
        } else {
            image.samples.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
        }
        return Hex.string(hash.finalize())
    }

    /// SHA-256 of width, height (32-bit little-endian) and one byte, 0 or 1, a pixel.
    package static func of(_ mask: Mask) -> String {
        var hash = SHA256()
        for number in [mask.width, mask.height] {
            withUnsafeBytes(of: UInt32(clamping: number).littleEndian) { hash.update($0) }
        }
        hash.update(mask.pixels)
        return Hex.string(hash.finalize())
    }
}
