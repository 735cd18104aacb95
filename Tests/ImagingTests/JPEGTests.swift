import Basics
import Imaging
import Testing

struct JPEGTests {
    static let names = ["grey", "rgb-420", "rgb-444", "progressive"]

    // One grey level of slack: libjpeg's versions differ in how they smooth chroma.
    @Test(arguments: names) func decodesLikePillow(_ name: String) throws {
        let image = try ImageDecoder.decode(fixture("jpeg/\(name).jpg"))
        let expected = try ImageDecoder.decode(fixture("jpeg/\(name).png"))
        #expect((image.width, image.height) == (expected.width, expected.height))
        #expect((image.channels, image.bitDepth) == (expected.channels, 8))
        let difference = zip(image.samples, expected.samples).map { abs(Int($0) - Int($1)) }.max()
        #expect(try #require(difference) <= 1)
    }

    @Test func refusesCMYK() throws {
        #expect(try decodingError(fixture("jpeg/cmyk.jpg")) == .unsupported(.jpeg, feature: "CMYK"))
    }

    @Test func refusesUncommonSampling() throws {
        var bytes = try fixture("jpeg/rgb-444.jpg")
        // Start of frame: marker, length, precision, height, width, components, then the first one's number and factors.
        let frame = try #require((0..<bytes.count - 11).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes[frame + 11] = 0x31
        guard case .unsupported(.jpeg, _) = decodingError(bytes) else {
            Issue.record("\(decodingError(bytes)?.description ?? "decoded")")
            return
        }
    }

    @Test(arguments: names) func cutAnywhereIsTruncated(_ name: String) throws {
        let bytes = try fixture("jpeg/\(name).jpg")
        for count in 1..<bytes.count {
            let error = decodingError(Array(bytes[..<count]))
            guard case .truncated(.jpeg, _) = error else {
                Issue.record("\(count) of \(bytes.count) bytes: \(error?.description ?? "decoded")")
                continue
            }
        }
    }

    @Test func trailingBytesAreIgnored() throws {
        let bytes = try fixture("jpeg/rgb-420.jpg")
        #expect(try ImageDecoder.decode(bytes + [9, 9, 9]) == ImageDecoder.decode(bytes))
    }

    @Test func strayBytesBeforeTheEndMarkerAreIgnored() throws {
        let bytes = try fixture("jpeg/rgb-420.jpg")
        let padded = bytes.dropLast(2) + [0, 0, 0] + bytes.suffix(2)
        #expect(try ImageDecoder.decode(Array(padded)) == ImageDecoder.decode(bytes))
    }

    @Test func missingRowsAreNotGuessed() throws {
        let bytes = try fixture("jpeg/rgb-444.jpg")
        let shortened = bytes[..<(bytes.count / 2)] + [0xFF, 0xD9]
        guard case .corrupt(.jpeg, _) = decodingError(Array(shortened)) else {
            Issue.record("half an image with an end marker was decoded")
            return
        }
    }

    @Test func hugeHeaderIsRefused() throws {
        var bytes = try fixture("jpeg/rgb-420.jpg")
        // Start of frame: marker, length, precision, then height and width.
        let frame = try #require((0..<bytes.count - 9).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        #expect(decodingError(bytes) == .sideTooLong(width: 65_500, height: 65_500, limit: 32_768))
    }

    @Test(arguments: names + ["cmyk"]) func survivesMutation(_ name: String) throws {
        let bytes = try fixture("jpeg/\(name).jpg")
        var random = SeededRandom(seed: 12)
        for _ in 0..<600 {
            let image = try? ImageDecoder.decode(
                mutate(bytes, &random), limits: ImageLimits(maximumPixels: 1 << 16))
            if let image { #expect(image.samples.allSatisfy { $0 < 256 }) }
        }
    }
}
