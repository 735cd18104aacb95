import Basics
import Foundation
import Imaging
import TestSupport

/// The bytes of a fixture.
func fixture(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name))))
}

func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path(name))))
}

/// A mask drawn with `#` for 1 and any other character for 0.
func mask(_ rows: [String]) -> Mask {
    Mask(width: rows[0].utf8.count, height: rows.count, pixels: rows.joined().utf8.map { $0 == 0x23 ? 1 : 0 })
}

func mask(_ drawing: String) -> Mask { mask(drawing.split(separator: "\n").map(String.init)) }

func randomMask(_ random: inout SeededRandom, width: Int, height: Int, density: Float) -> Mask {
    Mask(width: width, height: height, pixels: (0..<width * height).map { _ in random.uniform() < density ? 1 : 0 })
}

func randomImage(_ random: inout SeededRandom, width: Int, height: Int) -> RGBImage {
    RGBImage(
        width: width, height: height, pixels: (0..<width * height * 3).map { _ in UInt8(random.index(below: 256)) })
}

/// The error that decoding `bytes` throws; nil when they are an image.
func decodingError(_ bytes: [UInt8], limits: ImageLimits = .standard) -> ImageError? {
    do throws(ImageError) {
        _ = try ImageDecoder.decode(bytes, limits: limits)
        return nil
    } catch { return error }
}

/// Taking PNG streams apart and putting them together wrongly.
enum PNGSurgery {
    /// CRC-32, bit by bit: a twin for zlib's.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : 0xEDB8_8320 ^ (crc >> 1) }
        }
        return ~crc
    }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(checksum(body))
    }

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Ranges of the chunks, checksums included.
    static func chunks(of png: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var offset = 8
        while offset + 12 <= png.count {
            let length = png[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            guard offset + 12 + length <= png.count else { break }
            ranges.append(offset..<offset + 12 + length)
            offset += 12 + length
        }
        return ranges
    }

    /// `png` with every checksum right again.
    static func resealed(_ png: [UInt8]) -> [UInt8] {
        var png = png
        for range in chunks(of: png) {
            let end = range.upperBound - 4
            png.replaceSubrange(end..<end + 4, with: bigEndian(checksum(png[range.lowerBound + 4..<end])))
        }
        return png
    }

    /// `png` with another size in its header, and a right checksum.
    static func resized(_ png: [UInt8], width: UInt32, height: UInt32) -> [UInt8] {
        var png = png
        png.replaceSubrange(16..<24, with: bigEndian(width) + bigEndian(height))
        return resealed(png)
    }

    static func header(
        width: UInt32, height: UInt32, depth: UInt8 = 8, colour: UInt8 = 0, tail: [UInt8] = [0, 0, 0]
    ) -> [UInt8] {
        chunk("IHDR", bigEndian(width) + bigEndian(height) + [depth, colour] + tail)
    }
}
