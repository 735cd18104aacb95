import Adaptation
import Basics
import Imaging
import Testing

@Suite struct DebrisTests {
    private static func mask(_ rows: [String]) -> Mask {
        Mask(width: rows[0].count, height: rows.count, pixels: rows.joined().map { $0 == "#" ? 1 : 0 })
    }

    /// Regions of nine and of eight pixels in a square of ten.
    private static let support = mask([
        "###.......", "###...####", "###...####", "..........", "..........", "..........", "..........", "..........",
        "..........", "..........",
    ])

    @Test func theSmallestRegionOfAllMasksCounts() throws {
        let other = Self.mask(["####......"] + Array(repeating: "..........", count: 9))
        #expect(try #require(Debris([Self.support])).limit == 0.25 * 8 / 100)
        #expect(try #require(Debris([Self.support, other])).limit == 0.25 * 4 / 100)
        #expect(Debris([Mask(empty: 4, height: 4)]) == nil && Debris([]) == nil)
    }

    @Test func whatIsFarSmallerGoes() throws {
        let debris = try #require(Debris([Self.support]))
        #expect(debris.leastArea(width: 10, height: 10) == 2)
        let found = debris.removed(
            from: Self.mask([
                "#....####.", ".....####.", "..........", "..##......", "..........", "......#...", ".......#..",
                "..........", "..........", ".........#",
            ]))
        // A lone pixel is debris; two that touch by a corner are not.
        #expect(
            found
                == Self.mask([
                    ".....####.", ".....####.", "..........", "..##......", "..........", "......#...", ".......#..",
                    "..........", "..........", "..........",
                ]))
        // As the model sees it, twice as many pixels a side are the same.
        #expect(debris.leastArea(width: 20, height: 10) == 8)
    }

    @Test func theLargestRegionStaysWhateverItsSize() {
        let debris = Debris(limit: 0.5)
        let small = Self.mask(["#...", "..##", "....", "...."])
        #expect(debris.removed(from: small) == Self.mask(["....", "..##", "....", "...."]))
        let empty = Mask(empty: 4, height: 4)
        #expect(debris.removed(from: empty) == empty)
    }

    /// Beside the plain rule, on noise.
    @Test func matchesTheDefinition() {
        var generator = SeededRandom(seed: 4)
        for _ in 0..<30 {
            let (width, height) = (1 + generator.index(below: 20), 1 + generator.index(below: 20))
            let mask = Mask(
                width: width, height: height,
                pixels: (0..<width * height).map { _ in UInt8(generator.index(below: 3) / 2) })
            let debris = Debris(limit: 0.02)
            let (regions, square) = (mask.components(), Double(max(width, height) * max(width, height)))
            var expected = [UInt8](repeating: 0, count: width * height)
            for region in regions.components
            where Double(region.area) >= 0.02 * square - 1e-9 || region.label == regions.largest?.label {
                for index in expected.indices where regions.labels[index] == region.label { expected[index] = 1 }
            }
            #expect(debris.removed(from: mask).pixels == expected)
        }
    }
}
