import Adaptation
import Basics
import TestSupport
import Testing

@Suite struct MaskTargetTests {
    struct Row: NamedRow, CustomTestStringConvertible {
        let name: String
        let width: Int
        let height: Int
        let side: Int
        let contentWidth: Double
        let contentHeight: Double
        var testDescription: String { name }
    }

    static let rows = [
        Row(name: "one to one", width: 8, height: 8, side: 8, contentWidth: 8, contentHeight: 8),
        Row(name: "exact halves", width: 16, height: 16, side: 8, contentWidth: 8, contentHeight: 8),
        Row(name: "fractional shrinking", width: 13, height: 9, side: 8, contentWidth: 8, contentHeight: 5.5),
        Row(name: "magnified", width: 3, height: 5, side: 8, contentWidth: 4.75, contentHeight: 8),
        Row(name: "one pixel", width: 1, height: 1, side: 4, contentWidth: 4, contentHeight: 4),
        Row(name: "a thin strip", width: 40, height: 1, side: 8, contentWidth: 8, contentHeight: 0.25),
    ]

    static func randomPixels(_ row: Row) -> [UInt8] {
        var generator = SeededRandom(seed: UInt64(row.width * 100 + row.height))
        return (0..<row.width * row.height).map { _ in UInt8(generator.index(below: 2)) * 255 }
    }

    /// Each cell looked at in many points, as a plain reading of "area" would have it.
    static func naive(_ pixels: [UInt8], _ row: Row, samples: Int = 64) -> (truth: [Float], weight: [Float]) {
        var truth = [Float](repeating: 0, count: row.side * row.side)
        var weight = truth
        for cellY in 0..<row.side {
            for cellX in 0..<row.side {
                var (inside, marked) = (0, 0)
                for sampleY in 0..<samples {
                    for sampleX in 0..<samples {
                        let x = Double(cellX) + (Double(sampleX) + 0.5) / Double(samples)
                        let y = Double(cellY) + (Double(sampleY) + 0.5) / Double(samples)
                        guard x < row.contentWidth, y < row.contentHeight else { continue }
                        inside += 1
                        let column = Int(x / row.contentWidth * Double(row.width))
                        let line = Int(y / row.contentHeight * Double(row.height))
                        if pixels[line * row.width + column] != 0 { marked += 1 }
                    }
                }
                guard inside > 0 else { continue }
                truth[cellY * row.side + cellX] = Float(marked) / Float(inside)
                weight[cellY * row.side + cellX] = Float(inside) / Float(samples * samples)
            }
        }
        return (truth, weight)
    }

    @Test(arguments: rows) func agreesWithSampling(_ row: Row) {
        let pixels = Self.randomPixels(row)
        let target = MaskTarget(
            pixels: pixels, width: row.width, height: row.height, side: row.side, contentWidth: row.contentWidth,
            contentHeight: row.contentHeight)
        let (truth, weight) = Self.naive(pixels, row)
        #expect(relativeError(target.truth, truth) < 0.04)
        #expect(relativeError(target.weight, weight) < 0.02)
    }

    @Test(arguments: rows) func keepsTheMarkedArea(_ row: Row) {
        let pixels = Self.randomPixels(row)
        let target = MaskTarget(
            pixels: pixels, width: row.width, height: row.height, side: row.side, contentWidth: row.contentWidth,
            contentHeight: row.contentHeight)
        let marked = zip(target.truth, target.weight).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        let cells = row.contentWidth * row.contentHeight
        let share = Double(pixels.count { $0 != 0 }) / Double(pixels.count)
        #expect(abs(marked - cells * share) < 1e-3 * cells)
        #expect(abs(target.weight.reduce(0.0) { $0 + Double($1) } - cells) < 1e-3 * cells)
    }

    @Test func oneToOneIsTheMaskItself() {
        let pixels: [UInt8] = [0, 1, 1, 0]
        let target = MaskTarget(pixels: pixels, width: 2, height: 2, side: 2, contentWidth: 2, contentHeight: 2)
        #expect(target.truth == [0, 1, 1, 0])
        #expect(target.weight == [1, 1, 1, 1])
    }
}
