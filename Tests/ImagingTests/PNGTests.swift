import Basics
import Imaging
import Testing

struct PNGTests {
    struct Expected: Decodable, Sendable, CustomTestStringConvertible {
        let file: String
        let width, height, channels, bitDepth: Int
        let samples: [UInt16]
        let indices: [UInt8]?
        var testDescription: String { file }
    }

    static let files = try! fixture("png/expected.json", as: [Expected].self)

    @Test(arguments: files) func decodesRawSamples(_ file: Expected) throws {
        let image = try ImageDecoder.decode(fixture("png/" + file.file))
        #expect((image.width, image.height) == (file.width, file.height))
        #expect((image.channels, image.bitDepth) == (file.channels, file.bitDepth))
        #expect(image.samples == file.samples)
        #expect(image.paletteIndices == file.indices)
    }

    @Test(arguments: files) func cutAnywhereIsTruncated(_ file: Expected) throws {
        let bytes = try fixture("png/" + file.file)
        for count in 1..<bytes.count {
            guard case .truncated(.png, _) = decodingError(Array(bytes[..<count])) else {
                Issue.record("\(count) of \(bytes.count) bytes are not called truncated")
                continue
            }
        }
        #expect(decodingError(Array(bytes[..<0])) == .empty)
    }

    @Test func anyChangedBitOfImageDataIsNoticed() throws {
        let bytes = try fixture("png/rgb-8.png")
        let data = try #require(PNGSurgery.chunks(of: bytes).first { bytes[$0.lowerBound + 5] == UInt8(ascii: "D") })
        for offset in data.dropFirst(4) {
            for bit in 0..<8 {
                var changed = bytes
                changed[offset] ^= 1 << bit
                #expect(decodingError(changed) != nil, "bit \(bit) of byte \(offset)")
            }
        }
    }

    @Test func trailingBytesAreIgnored() throws {
        let bytes = try fixture("png/rgba-16.png")
        #expect(try ImageDecoder.decode(bytes + [0, 1, 2, 3]) == ImageDecoder.decode(bytes))
    }

    @Test func damagedCommentsAreIgnoredAndLargeOnesSkipped() throws {
        let bytes = try fixture("png/grey-8.png")
        let text = Array("tEXt".utf8) + [UInt8](repeating: 65, count: 9_000_000)
        let wrongChecksum: [UInt8] = [1, 2, 3, 4]
        let comment = PNGSurgery.bigEndian(9_000_000) + text + wrongChecksum
        let commented = bytes[..<33] + comment + bytes[33...]
        #expect(try ImageDecoder.decode(Array(commented)) == ImageDecoder.decode(bytes))
    }

    struct Lie: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let expected: ImageError
        var testDescription: String { name }
    }

    static let lies: [Lie] = {
        let signature = PNGSurgery.signature
        let end = PNGSurgery.chunk("IEND", [])
        let data = PNGSurgery.chunk("IDAT", [0x78, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01])
        func file(_ chunks: [UInt8]...) -> [UInt8] { signature + chunks.joined() + end }
        func corrupt(_ reason: String) -> ImageError { .corrupt(.png, reason: reason) }
        return [
            Lie(
                name: "60000 x 60000", bytes: file(PNGSurgery.header(width: 60_000, height: 60_000), data),
                expected: .sideTooLong(width: 60_000, height: 60_000, limit: 32_768)),
            Lie(
                name: "30000 x 30000", bytes: file(PNGSurgery.header(width: 30_000, height: 30_000), data),
                expected: .tooManyPixels(width: 30_000, height: 30_000, limit: 1 << 25)),
            Lie(
                name: "2^31 wide", bytes: file(PNGSurgery.header(width: 1 << 31, height: 1), data),
                expected: corrupt("its header says 2147483648 x 1 pixels")),
            Lie(
                name: "no width", bytes: file(PNGSurgery.header(width: 0, height: 5), data),
                expected: corrupt("its header says 0 x 5 pixels")),
            Lie(
                name: "no height", bytes: file(PNGSurgery.header(width: 5, height: 0), data),
                expected: corrupt("its header says 5 x 0 pixels")),
            Lie(
                name: "three bits", bytes: file(PNGSurgery.header(width: 5, height: 5, depth: 3), data),
                expected: corrupt("its header says colour type 0 with 3 bits")),
            Lie(
                name: "four-bit RGB", bytes: file(PNGSurgery.header(width: 5, height: 5, depth: 4, colour: 2), data),
                expected: corrupt("its header says colour type 2 with 4 bits")),
            Lie(
                name: "colour type 1", bytes: file(PNGSurgery.header(width: 5, height: 5, colour: 1), data),
                expected: corrupt("its header says colour type 1 with 8 bits")),
            Lie(
                name: "unknown interlace",
                bytes: file(PNGSurgery.header(width: 5, height: 5, tail: [0, 0, 2]), data),
                expected: corrupt("its header names an unknown compression, filter or interlace method")),
            Lie(
                name: "short header", bytes: file(PNGSurgery.chunk("IHDR", [0, 0, 0, 5]), data),
                expected: corrupt("it does not start with an IHDR chunk of 13 bytes")),
            Lie(
                name: "data before header", bytes: file(data, PNGSurgery.header(width: 5, height: 5)),
                expected: corrupt("it does not start with an IHDR chunk of 13 bytes")),
            Lie(
                name: "palette without palette", bytes: file(PNGSurgery.header(width: 1, height: 1, colour: 3), data),
                expected: corrupt("it needs a palette and has none")),
            Lie(
                name: "broken palette",
                bytes: file(
                    PNGSurgery.header(width: 1, height: 1, colour: 3), PNGSurgery.chunk("PLTE", [1, 2]), data),
                expected: corrupt("its palette has 2 bytes")),
            Lie(
                name: "more pixels than the data can hold",
                bytes: file(PNGSurgery.header(width: 5_000, height: 5_000), data),
                expected: corrupt("8 bytes of compressed data cannot hold 5000 x 5000 pixels")),
            Lie(
                name: "no data at all", bytes: file(PNGSurgery.header(width: 100, height: 100)),
                expected: corrupt("0 bytes of compressed data cannot hold 100 x 100 pixels")),
            Lie(
                name: "not a chunk", bytes: file(PNGSurgery.header(width: 5, height: 5), [0, 0, 0, 0, 1, 2, 3, 4]),
                expected: corrupt("there is no chunk at byte 33")),
            Lie(
                name: "chunk longer than any file",
                bytes: file(PNGSurgery.header(width: 5, height: 5), [0xFF, 0xFF, 0xFF, 0xFF, 73, 68, 65, 84]),
                expected: corrupt("there is no chunk at byte 33")),
        ]
    }()

    @Test(arguments: lies) func refusesWithTheReason(_ lie: Lie) {
        #expect(decodingError(lie.bytes) == lie.expected)
    }

    @Test func refusesPaletteEntriesThatDoNotExist() throws {
        let image = PNG.encode(RawImage(width: 2, height: 1, channels: 1, bitDepth: 8, samples: [0, 9]))
        var bytes = Array(image[..<33]) + PNGSurgery.chunk("PLTE", [1, 2, 3, 4, 5, 6]) + Array(image[33...])
        bytes[25] = 3
        #expect(
            decodingError(PNGSurgery.resealed(bytes)) == .corrupt(.png, reason: "it uses palette entry 9 of 2"))
    }

    /// A header that claims far less than the data holds.
    @Test func decompressionBombIsRefused() throws {
        let packed = PNG.encode(Mask(empty: 8_192, height: 8_192))
        #expect(
            decodingError(PNGSurgery.resized(packed, width: 16, height: 16))
                == .corrupt(.png, reason: "its compressed data goes on after the last row"))
    }

    /// A valid stream (RFC 1950, stored blocks of RFC 1951) of far more than the one pixel that the header claims.
    @Test(arguments: [1, 2, 5]) func dataThatGoesOnAfterTheLastRowIsNotInflated(height: Int) throws {
        func stream(_ count: Int) -> [UInt8] {
            var bytes: [UInt8] = [0x78, 0x01]
            for start in stride(from: 0, to: count, by: 60_000) {
                let length = UInt16(min(60_000, count - start))
                bytes += [start + 60_000 >= count ? 1 : 0]
                for value in [length, ~length] { bytes += [UInt8(value & 255), UInt8(value >> 8)] }
                bytes += [UInt8](repeating: 0, count: Int(length))
            }
            // Adler-32 of zeros: the low half stays 1, the high half counts them.
            return bytes + PNGSurgery.bigEndian(UInt32(count % 65_521) << 16 | 1)
        }
        func png(_ count: Int) -> [UInt8] {
            let header = PNGSurgery.bigEndian(1) + PNGSurgery.bigEndian(UInt32(height)) + [8, 0, 0, 0, 0]
            return PNGSurgery.signature + PNGSurgery.chunk("IHDR", header) + PNGSurgery.chunk("IDAT", stream(count))
                + PNGSurgery.chunk("IEND", [])
        }
        #expect(decodingError(png(2 * height)) == nil)
        #expect(
            decodingError(png(300_000))
                == .corrupt(.png, reason: "its compressed data goes on after the last row"))
    }

    @Test func dataForFewerRowsThanClaimedIsRefused() throws {
        let packed = PNG.encode(Mask(empty: 64, height: 64))
        #expect(decodingError(PNGSurgery.resized(packed, width: 64, height: 65)) != nil)
    }

    @Test func limitsAreTheCallers() throws {
        let bytes = try fixture("png/grey-8.png")
        #expect(decodingError(bytes, limits: ImageLimits(maximumPixels: 99)) == nil)
        #expect(
            decodingError(bytes, limits: ImageLimits(maximumPixels: 98))
                == .tooManyPixels(width: 11, height: 9, limit: 98))
        #expect(
            decodingError(bytes, limits: ImageLimits(maximumSide: 10))
                == .sideTooLong(width: 11, height: 9, limit: 10))
        #expect(
            decodingError(bytes, limits: ImageLimits(maximumBytes: 10))
                == .tooManyBytes(found: bytes.count, limit: 10))
    }

    /// Random damage, with right checksums every other time so that it reaches the inside of libpng.
    @Test(arguments: files) func survivesMutation(_ file: Expected) throws {
        let bytes = try fixture("png/" + file.file)
        var random = SeededRandom(seed: 11)
        for round in 0..<150 {
            var mutated = mutate(bytes, &random)
            if round.isMultiple(of: 2) { mutated = PNGSurgery.resealed(mutated) }
            let image = try? ImageDecoder.decode(mutated, limits: ImageLimits(maximumPixels: 1 << 16))
            if let image { #expect(image.samples.allSatisfy { Int($0) <= image.maximumSample }) }
        }
    }
}

/// `bytes` with one to four bytes changed, removed or doubled.
func mutate(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.index(below: 4) where !bytes.isEmpty {
        let offset = random.index(below: bytes.count)
        switch random.index(below: 4) {
        case 0: bytes[offset] = UInt8(random.index(below: 256))
        case 1: bytes[offset] ^= 1 << random.index(below: 8)
        case 2: bytes.remove(at: offset)
        default: bytes.insert(bytes[offset], at: offset)
        }
    }
    return bytes
}

struct PNGEncodingTests {
    static let kinds: [(channels: Int, bitDepth: Int)] =
        [1, 2, 4, 8, 16].map { (1, $0) } + [2, 3, 4].flatMap { [($0, 8), ($0, 16)] }

    @Test(arguments: kinds) func rawImagesComeBack(channels: Int, bitDepth: Int) throws {
        var random = SeededRandom(seed: 3)
        for (width, height) in [(1, 1), (13, 7), (300, 5)] {
            let samples = (0..<width * height * channels).map { _ in UInt16(random.index(below: 1 << bitDepth)) }
            let image = RawImage(width: width, height: height, channels: channels, bitDepth: bitDepth, samples: samples)
            #expect(try ImageDecoder.decode(PNG.encode(image)) == image)
        }
    }

    @Test func masksBecomeBlackAndWhite() throws {
        var random = SeededRandom(seed: 4)
        let mask = randomMask(&random, width: 31, height: 17, density: 0.4)
        let image = try ImageDecoder.decode(PNG.encode(mask))
        #expect((image.channels, image.bitDepth) == (1, 8))
        #expect(Set(image.samples) == [0, 255])
        #expect(Mask(image) == mask)
    }

    @Test(arguments: [(200, 8), (255, 8), (256, 16), (65_535, 16)]) func labelsKeepTheirValue(
        _ label: UInt16, depth: Int
    ) throws {
        let labels: [UInt16] = [0, 1, 2, 0, label, 1]
        let packed = PNG.encode(RawImage(width: 3, height: 2, channels: 1, bitDepth: depth, samples: labels))
        #expect(try LabelMap(ImageDecoder.decode(packed)) == LabelMap(width: 3, height: 2, labels: labels))
    }

    @Test func colourImagesComeBack() throws {
        var random = SeededRandom(seed: 5)
        let image = randomImage(&random, width: 29, height: 31)
        #expect(try RGBImage(ImageDecoder.decode(PNG.encode(image))) == image)
    }
}
