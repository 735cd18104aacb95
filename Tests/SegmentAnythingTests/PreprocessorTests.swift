import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct PreprocessorTests {
    static let cases = [
        "97x61to40", "50x129to32", "13x9to40", "40x27to40", "90x2to30", "41x41to40",
    ]

    /// Pillow's antialiased resize on bytes, then normalisation, then padding.
    @Test(arguments: cases) func matchesPillowByteForByte(_ name: String) throws {
        let reference = try Reference("preprocessing")
        let expected = try reference.image("\(name).resized")
        let side = max(expected.width, expected.height)
        let preprocessed = Preprocessor(side: side)(try reference.image("\(name).image"))
        #expect(preprocessed.geometry.resizedWidth == expected.width)
        #expect(preprocessed.geometry.resizedHeight == expected.height)
        let pixels = preprocessed.pixels.elements
        #expect(preprocessed.pixels.shape == [1, side, side, 3])
        var differing = 0
        for y in 0..<side {
            for x in 0..<side {
                for channel in 0..<3 {
                    // The padding is zero after normalisation, not black before it.
                    var wanted: Float = 0
                    if x < expected.width, y < expected.height {
                        let byte = Float(expected.pixels[(y * expected.width + x) * 3 + channel])
                        wanted = (byte - Preprocessor.mean[channel]) / Preprocessor.standardDeviation[channel]
                    }
                    if pixels[(y * side + x) * 3 + channel] != wanted { differing += 1 }
                }
            }
        }
        #expect(differing == 0)
    }

    @Test(arguments: ["50x129to32", "90x2to30"]) func matchesPyTorchPixels(_ name: String) throws {
        let reference = try Reference("preprocessing")
        let expected = try reference.tensor("\(name).pixels")
        let found = Preprocessor(side: expected.shape[1])(try reference.image("\(name).image"))
        #expect(relativeError(found.pixels, expected) < 1e-6)
    }

    struct Size: Sendable, CustomTestStringConvertible {
        let width, height, side, resizedWidth, resizedHeight: Int
        var testDescription: String { "\(width)x\(height) in \(side)" }
    }

    static let sizes = [
        Size(width: 640, height: 480, side: 1024, resizedWidth: 1024, resizedHeight: 768),
        Size(width: 333, height: 500, side: 256, resizedWidth: 170, resizedHeight: 256),  // 170.496 rounds down
        Size(width: 3, height: 2, side: 256, resizedWidth: 256, resizedHeight: 171),  // 170.67 rounds up
        Size(width: 1, height: 1, side: 32, resizedWidth: 32, resizedHeight: 32),
        Size(width: 10_000, height: 1, side: 256, resizedWidth: 256, resizedHeight: 1),  // the reference gives 0 here
    ]

    @Test(arguments: sizes) func longSideFillsTheSquare(_ size: Size) {
        let geometry = ImageGeometry(width: size.width, height: size.height, side: size.side)
        #expect(geometry.resizedWidth == size.resizedWidth)
        #expect(geometry.resizedHeight == size.resizedHeight)
    }

    /// `ResizeLongestSide.apply_coords`: scaled by each axis's own ratio, not moved.
    @Test func coordinatesAreScaledAndNotMoved() {
        let geometry = ImageGeometry(width: 333, height: 500, side: 256)
        let place = geometry.mapped(x: 100, y: 250)
        #expect(place.x == Float(100 * (170.0 / 333.0)))
        #expect(place.y == Float(250 * (256.0 / 500.0)))
        #expect(geometry.mapped(x: 0, y: 0) == (0, 0))
    }
}
