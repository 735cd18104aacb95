import Basics
import Evaluation
import Imaging
import SegmentAnything
import Testing

private func mask(_ rows: String...) -> Mask {
    Mask(width: rows[0].utf8.count, height: rows.count, pixels: rows.joined().utf8.map { $0 == 0x23 ? 1 : 0 })
}

struct DrawnPromptsTests {
    private let truth = mask(
        "..........", "...####...", "...####...", "...####...", "...####...", "..........", "..........")

    @Test func boxesStayWithinATenthOfTheirSides() {
        for index in 0..<200 {
            let drawn = DrawnPrompts(truth, key: DrawKey(seed: 1, "\(index)"))
            #expect(drawn.exactBox == Prompt.Box(x0: 3, y0: 1, x1: 6, y1: 4))
            let edges = [
                (drawn.box.x0, Float(3)), (drawn.box.y0, Float(1)), (drawn.box.x1, Float(6)), (drawn.box.y1, Float(4)),
            ]
            #expect(edges.allSatisfy { abs($0 - $1) <= 0.4 })
        }
    }

    @Test func boxesStayInTheImage() {
        let full = Mask(width: 30, height: 20, pixels: [UInt8](repeating: 1, count: 600))
        for index in 0..<50 {
            let box = DrawnPrompts(full, key: DrawKey(seed: 2, "\(index)")).box
            #expect(box.x0 >= 0 && box.y0 >= 0 && box.x1 <= 29 && box.y1 <= 19 && box.x0 < box.x1 && box.y0 < box.y1)
        }
    }

    @Test func pointsLieOnTheObjectAndReachAllOfIt() {
        var seen: Set<Int> = []
        for index in 0..<300 {
            let drawn = DrawnPrompts(truth, key: DrawKey(seed: 3, "\(index)"))
            #expect(drawn.points.count == 3)
            for point in drawn.points {
                #expect(truth[Int(point.x), Int(point.y)] && point.isForeground)
                seen.insert(Int(point.y) * 10 + Int(point.x))
            }
        }
        #expect(seen.count == truth.area)
    }

    @Test func centreIsTheDeepestPixel() {
        let disc = mask("..#..", ".###.", "#####", ".###.", "..#..")
        #expect(DrawnPrompts(disc, key: DrawKey(seed: 0)).centre == Prompt.Point(x: 2, y: 2, isForeground: true))
    }

    @Test func aPixelIsEnough() {
        let dot = mask("....", ".#..", "....")
        let drawn = DrawnPrompts(dot, key: DrawKey(seed: 0))
        #expect(drawn.points.allSatisfy { $0.x == 1 && $0.y == 1 })
        #expect(drawn.box.x0 <= drawn.box.x1 && drawn.box.y0 <= drawn.box.y1)
    }

    @Test func equalKeysDrawEqually() {
        let one = DrawnPrompts(truth, key: DrawKey(seed: 9, "set", "1", "a"))
        let same = DrawnPrompts(truth, key: DrawKey(seed: 9, "set", "1", "a"))
        let other = DrawnPrompts(truth, key: DrawKey(seed: 9, "set1", "", "a"))
        #expect(one.box == same.box && one.points == same.points)
        #expect(one.box != other.box)
    }

    @Test func stylesBecomePrompts() {
        let drawn = DrawnPrompts(truth, key: DrawKey(seed: 9))
        #expect(drawn.prompt(.box) == Prompt(box: drawn.box))
        #expect(drawn.prompt(.exactBox) == Prompt(box: drawn.exactBox))
        #expect(drawn.prompt(.onePoint) == Prompt(points: [drawn.points[0]]))
        #expect(drawn.prompt(.corrected) == drawn.prompt(.onePoint))
        #expect(drawn.prompt(.threePoints).points.count == 3)
        #expect(drawn.prompt(.none) == .none)
    }
}

struct CorrectionTests {
    private let truth = mask("........", ".####...", ".####...", ".####...", "........")

    @Test func missedRegionsGetForeground() {
        let point = Correction.point(prediction: Mask(empty: 8, height: 5), truth: truth)
        #expect(point == Prompt.Point(x: 2, y: 2, isForeground: true))
    }

    @Test func inventedRegionsGetBackground() {
        let all = Mask(width: 8, height: 5, pixels: [UInt8](repeating: 1, count: 40))
        let point = Correction.point(prediction: all, truth: truth)
        #expect(point?.isForeground == false)
        #expect(point.map { !truth[Int($0.x), Int($0.y)] } ?? false)
    }

    @Test func theLargestRegionIsCorrectedFirst() {
        // Two pixels are missed on the right of the object, three invented far away.
        let prediction = mask("........", ".###....", ".###....", ".####...", "......##")
        let point = Correction.point(prediction: prediction, truth: truth)
        #expect(point?.isForeground == true)
        #expect(point.map { Int($0.x) } == 4)
        let worse = mask("........", ".###....", ".###....", ".####.##", "......##")
        #expect(Correction.point(prediction: worse, truth: truth)?.isForeground == false)
    }

    @Test func nothingWrongNeedsNoClick() {
        #expect(Correction.point(prediction: truth, truth: truth) == nil)
    }

    /// Twin: every pixel of every region, every pixel outside it.
    @Test func matchesBruteForce() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<30 {
            let (width, height) = (9 + random.index(below: 5), 8)
            func noise() -> Mask {
                Mask(
                    width: width, height: height,
                    pixels: (0..<width * height).map { _ in random.uniform() < 0.6 ? 1 : 0 })
            }
            let (prediction, truth) = (noise(), noise())
            let point = try #require(Correction.point(prediction: prediction, truth: truth))
            let regions = [truth.difference(prediction), prediction.difference(truth)].map { error in
                error.components(.eight)
            }
            let largest = regions.flatMap(\.components).map(\.area).max() ?? 0
            let side = regions[point.isForeground ? 0 : 1]
            let label = side.labels[Int(point.y) * width + Int(point.x)]
            let component = try #require(side.components.first { $0.label == label })
            #expect(component.area == largest)
            func depth(_ x: Int, _ y: Int) -> Double {
                var least = Double.infinity
                for v in -1...height {
                    for u in -1...width {
                        let isOutside =
                            !(0..<width).contains(u) || !(0..<height).contains(v) || side.labels[v * width + u] != label
                        if isOutside { least = min(least, Double((u - x) * (u - x) + (v - y) * (v - y))) }
                    }
                }
                return least
            }
            let deepest = (0..<width * height).filter { side.labels[$0] == label }
                .map { depth($0 % width, $0 / width) }.max()
            #expect(depth(Int(point.x), Int(point.y)) == deepest)
        }
    }
}

struct PromptShapesTests {
    @Test func ellipseFillsItsBoxToPiQuarters() {
        let box = Prompt.Box(x0: 10, y0: 20, x1: 109, y1: 59)
        let ellipse = PromptShapes.ellipse(in: box, width: 120, height: 80)
        #expect(ellipse.boundingBox == PixelBox(x0: 10, y0: 20, x1: 109, y1: 59))
        #expect(abs(Double(ellipse.area) / (100 * 40) - Double.pi / 4) < 0.01)
    }

    @Test func smallestShapes() {
        let pixel = Prompt.Box(x0: 2, y0: 1, x1: 2, y1: 1)
        let dot = mask(".....", "..#..", ".....")
        #expect(PromptShapes.ellipse(in: pixel, width: 5, height: 3) == dot)
        #expect(PromptShapes.filled(pixel, width: 5, height: 3) == dot)
        let box = Prompt.Box(x0: 1, y0: 0, x1: 3, y1: 1)
        #expect(PromptShapes.filled(box, width: 5, height: 3) == mask(".###.", ".###.", "....."))
    }

    @Test func discsFollowTheShorterSide() {
        let point = Prompt.Point(x: 40, y: 30, isForeground: true)
        let disc = PromptShapes.disc(at: point, width: 200, height: 80)
        #expect(disc.boundingBox == PixelBox(x0: 30, y0: 20, x1: 50, y1: 40))
        #expect(PromptShapes.wholeImage(width: 7, height: 3).area == 21)
    }
}

struct GridLimitTests {
    @Test func whatTheGridHoldsComesBack() {
        // The tiny model's logits have 16 cells a side: blocks of four pixels of a 64-pixel square.
        let side = 64
        let pixels = (0..<side * side).map { index -> UInt8 in
            let (x, y) = (index % side, index / side)
            return (16..<48).contains(x) && (16..<40).contains(y) ? 1 : 0
        }
        let block = Mask(width: side, height: side, pixels: pixels)
        let back = GridLimit.mask(of: block, model: .tiny)
        let common = Double(2 * block.intersectionCount(back)) / Double(block.area + back.area)
        #expect(common > 0.98)
    }

    @Test func whatIsFinerThanTheGridIsLost() {
        let pixels = (0..<64 * 64).map { index -> UInt8 in index % 64 == 31 ? 1 : 0 }
        let line = Mask(width: 64, height: 64, pixels: pixels)
        #expect(GridLimit.mask(of: line, model: .tiny).isEmpty)
    }
}
