import Basics
import Imaging
import Testing

struct ResizeTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let source, expected: String
        let width, height: Int
        var testDescription: String { expected }
    }

    static let cases = try! fixture("resize/bilinear.json", as: [Case].self)

    @Test(arguments: cases) func bilinearEqualsPillow(_ row: Case) throws {
        let source = try RGBImage(ImageDecoder.decode(fixture("resize/" + row.source)))
        let expected = try RGBImage(ImageDecoder.decode(fixture("resize/" + row.expected)))
        #expect(Resize.bilinear(source, width: row.width, height: row.height) == expected)
    }

    @Test func sameSizeIsUnchanged() {
        var random = SeededRandom(seed: 2)
        let image = randomImage(&random, width: 12, height: 9)
        #expect(Resize.bilinear(image, width: 12, height: 9) == image)
    }

    /// Sizes around the tile of the vertical pass: constant stays constant, whatever the weights.
    @Test(arguments: [(85, 3), (86, 7), (171, 400), (1, 1)]) func constantStaysConstant(_ width: Int, _ height: Int) {
        let image = RGBImage(width: 90, height: 11, filledWith: .white)
        #expect(
            Resize.bilinear(image, width: width, height: height)
                == RGBImage(width: width, height: height, filledWith: .white))
    }

    struct Nearest: Decodable {
        struct Case: Decodable {
            let width, height: Int
            let rows: [String]
        }
        let source: [String]
        let cases: [Case]
    }

    @Test func nearestEqualsPillow() throws {
        let nearest = try fixture("resize/nearest.json", as: Nearest.self)
        let source = mask(nearest.source)
        for row in nearest.cases {
            #expect(Resize.nearest(source, width: row.width, height: row.height) == mask(row.rows))
        }
    }
}

struct CoverageTests {
    @Test func knownAreas() {
        let quarters = mask("##..\n#...\n....\n...#")
        #expect(Resize.coverage(quarters, width: 2, height: 2) == [0.75, 0, 0, 0.25])
        #expect(Resize.coverage(quarters, width: 1, height: 1) == [0.25])
        #expect(Resize.coverage(mask("#."), width: 4, height: 2) == [1, 1, 0, 0, 1, 1, 0, 0])
        // Three pixels to two: the middle one is shared.
        #expect(Resize.coverage(mask(".#."), width: 2, height: 1).map { abs($0 - 1 / 3) < 1e-6 } == [true, true])
    }

    @Test(arguments: [(3, 5), (16, 16), (1, 30), (40, 2), (23, 17)]) func matchesSampling(_ width: Int, _ height: Int) {
        var random = SeededRandom(seed: 6)
        let source = randomMask(&random, width: 23, height: 17, density: 0.5)
        // Twin: split every pixel so finely that both grids share their edges, and count.
        var counts = [Int](repeating: 0, count: width * height)
        for y in 0..<source.height * height {
            for x in 0..<source.width * width where source[x / width, y / height] {
                counts[y / source.height * width + x / source.width] += 1
            }
        }
        let coverage = Resize.coverage(source, width: width, height: height)
        #expect(coverage.allSatisfy { (0...1).contains($0) })
        for (found, count) in zip(coverage, counts) {
            #expect(abs(found - Float(count) / Float(source.width * source.height)) < 1e-5)
        }
    }
}
