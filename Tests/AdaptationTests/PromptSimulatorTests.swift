import Adaptation
import Basics
import Imaging
import SegmentAnything
import Testing

@Suite struct PromptSimulatorTests {
    /// A ring with a separate pixel, so that "inside" is neither convex nor connected.
    static let ring: Mask = {
        var pixels = [UInt8](repeating: 0, count: 30 * 20)
        for y in 0..<20 {
            for x in 0..<30 {
                let distance = (x - 12) * (x - 12) + (y - 9) * (y - 9)
                pixels[y * 30 + x] = (25...64).contains(distance) || (x == 27 && y == 18) ? 1 : 0
            }
        }
        return Mask(width: 30, height: 20, pixels: pixels)
    }()

    /// The mask of one pixel, in the corner.
    static let dot = Mask(width: 3, height: 2, pixels: [0, 0, 0, 0, 0, 1])
    static let full = Mask(width: 4, height: 3, pixels: [UInt8](repeating: 1, count: 12))

    @Test func hasNothingToSayOfAnEmptyMask() {
        #expect(PromptSimulator(mask: Mask(empty: 8, height: 8)) == nil)
    }

    @Test(arguments: [ring, dot, full]) func promptsFitTheMask(_ mask: Mask) throws {
        let simulator = try #require(PromptSimulator(mask: mask))
        var generator = SeededRandom(seed: 11)
        for _ in 0..<200 {
            for kind in PromptKind.allCases {
                let prompt = simulator.prompt(kind, using: &generator)
                try prompt.check(width: mask.width, height: mask.height, logitsSide: 32)
                for point in prompt.points {
                    #expect(mask[Int(point.x), Int(point.y)] == point.isForeground)
                }
                #expect(prompt.maskLogits == nil)
                switch kind {
                case .none: #expect(prompt == .none)
                case .box: #expect(prompt.points.isEmpty && prompt.box != nil)
                case .point: #expect(prompt.points.count == 1 && prompt.points[0].isForeground && prompt.box == nil)
                case .points: #expect((2...4).contains(prompt.points.count { $0.isForeground }))
                }
            }
        }
    }

    @Test func boxesStrayFromTheExtentByATenthAtMost() throws {
        let simulator = try #require(PromptSimulator(mask: Self.ring))
        let extent = try #require(Self.ring.boundingBox)
        let reach = PromptSimulator.boxOffset * Float(max(extent.width, extent.height)) + 0.5
        var generator = SeededRandom(seed: 5)
        var leftSides: Set<Float> = []
        for _ in 0..<200 {
            let box = try #require(simulator.prompt(.box, using: &generator).box)
            #expect(abs(box.x0 - Float(extent.x0)) <= reach && abs(box.x1 - Float(extent.x1)) <= reach)
            #expect(abs(box.y0 - Float(extent.y0)) <= reach && abs(box.y1 - Float(extent.y1)) <= reach)
            leftSides.insert(box.x0)
        }
        #expect(leftSides.count >= 4, "the offset must vary: \(leftSides)")
    }

    @Test func everyForegroundPixelIsDrawn() throws {
        let simulator = try #require(PromptSimulator(mask: Self.ring))
        var generator = SeededRandom(seed: 2)
        var seen = [UInt8](repeating: 0, count: 30 * 20)
        for _ in 0..<5_000 {
            let point = simulator.prompt(.point, using: &generator).points[0]
            seen[Int(point.y) * 30 + Int(point.x)] = 1
        }
        #expect(Mask(width: 30, height: 20, pixels: seen) == Self.ring)
    }

    @Test func pointsOutsideOccurButNotWhereThereIsNoOutside() throws {
        func outsiders(_ mask: Mask) throws -> Int {
            let simulator = try #require(PromptSimulator(mask: mask))
            var generator = SeededRandom(seed: 3)
            return (0..<100).reduce(0) { count, _ in
                count + simulator.prompt(.points, using: &generator).points.count { !$0.isForeground }
            }
        }
        #expect((25...75).contains(try outsiders(Self.ring)))
        #expect(try outsiders(Self.full) == 0)
    }

    @Test func equalSeedsGiveEqualPrompts() throws {
        let simulator = try #require(PromptSimulator(mask: Self.ring))
        func draw(_ seed: UInt64) -> [Prompt] {
            var generator = SeededRandom(seed: seed)
            return PromptKind.allCases.map { simulator.prompt($0, using: &generator) }
        }
        #expect(draw(8) == draw(8))
        #expect(draw(8) != draw(9))
    }
}
