import Basics
import Imaging
import Testing

struct DistanceTransformTests {
    /// Twin: every pixel against every pixel.
    private func naive(_ mask: Mask, _ spacing: Spacing?) -> [Double] {
        let (sx, sy) = (spacing?.x ?? 1, spacing?.y ?? 1)
        let set = mask.pixels.indices.filter { mask.pixels[$0] != 0 }
        return mask.pixels.indices.map { index in
            set.reduce(Double.infinity) { best, other in
                let dx = sx * Double(index % mask.width - other % mask.width)
                let dy = sy * Double(index / mask.width - other / mask.width)
                return min(best, (dx * dx + dy * dy).squareRoot())
            }
        }
    }

    static let spacings = [nil, Spacing(x: 0.5, y: 0.5), Spacing(x: 0.7, y: 3), Spacing(x: 4, y: 0.3)]

    @Test(arguments: spacings) func matchesBruteForce(_ spacing: Spacing?) {
        var random = SeededRandom(seed: 5)
        for (width, height) in [(1, 1), (1, 12), (12, 1), (19, 14)] {
            for density: Float in [0.005, 0.05, 0.5, 1] {
                let mask = randomMask(&random, width: width, height: height, density: density)
                let found = DistanceTransform.distances(to: mask, spacing: spacing)
                for (one, other) in zip(found, naive(mask, spacing)) {
                    #expect(one == other || abs(one - other) <= 1e-12 * other)
                }
            }
        }
    }

    @Test func emptyMaskIsInfinitelyFar() {
        #expect(DistanceTransform.distances(to: Mask(empty: 4, height: 3)).allSatisfy { $0 == .infinity })
        #expect(DistanceTransform.deepestPixel(in: Mask(empty: 4, height: 3)) == nil)
    }

    @Test func depthsCountTheBorderAsOutside() {
        let depths = DistanceTransform.depths(in: Mask(width: 5, height: 3, pixels: [UInt8](repeating: 1, count: 15)))
        #expect(depths == [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1])
    }

    @Test func deepestPixelIsTheFirstOfTheDeepest() throws {
        let shape = mask(
            """
            #.......
            ..#####.
            ..#####.
            ..#####.
            ........
            """)
        #expect(try #require(DistanceTransform.deepestPixel(in: shape)) == (3, 2))
    }

    @Test(arguments: [(0.0, 1.0), (1, -1), (.nan, 1), (1, .infinity), (1e-300, 1), (1, 1e300)])
    func spacingMustBePossible(_ x: Double, _ y: Double) {
        #expect(Spacing(x: x, y: y) == nil)
    }
}
