import Basics
import Foundation
import Imaging
import Metrics
import TestSupport
import Testing

private func mask(_ rows: [String]) -> Mask {
    Mask(width: rows[0].utf8.count, height: rows.count, pixels: rows.joined().utf8.map { $0 == 0x23 ? 1 : 0 })
}

private func isClose(_ found: Double, _ expected: Double) -> Bool { abs(found - expected) <= 1e-9 * max(1, expected) }

struct MedPyTests {
    struct Row: Decodable, Sendable, CustomTestStringConvertible {
        struct Spaced: Decodable, Sendable {
            let x, y, asd, hd95: Double
        }
        let name: String
        let prediction, groundTruth: [String]
        let dice, jaccard, asd, hd95: Double
        let spaced: [Spaced]
        var testDescription: String { name }
    }

    static let rows = try! JSONDecoder().decode(
        [Row].self, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("metrics/medpy.json"))))

    @Test(arguments: rows) func matchesMedPy(_ row: Row) throws {
        let (prediction, groundTruth) = (mask(row.prediction), mask(row.groundTruth))
        let metrics = try SegmentationMetrics(prediction: prediction, groundTruth: groundTruth)
        #expect(isClose(metrics.dice, row.dice))
        #expect(isClose(metrics.jaccard, row.jaccard))
        let pixels = try #require(metrics.pixels)
        #expect(isClose(pixels.asd, row.asd), "\(pixels.asd) is not \(row.asd)")
        #expect(isClose(pixels.hd95, row.hd95), "\(pixels.hd95) is not \(row.hd95)")
        for spaced in row.spaced {
            let metrics = try SegmentationMetrics(
                prediction: prediction, groundTruth: groundTruth, spacing: Spacing(x: spaced.x, y: spaced.y))
            #expect(metrics.pixels == pixels)
            let millimetres = try #require(metrics.millimetres)
            #expect(isClose(millimetres.asd, spaced.asd), "\(millimetres.asd) is not \(spaced.asd)")
            #expect(isClose(millimetres.hd95, spaced.hd95), "\(millimetres.hd95) is not \(spaced.hd95)")
        }
    }
}

struct SegmentationMetricsTests {
    private let empty = Mask(empty: 6, height: 4)
    private let dot = mask(["......", "..#...", "......", "......"])
    private let spacing = Spacing(x: 2, y: 3)

    @Test func bothEmptyAgreePerfectly() throws {
        let metrics = try SegmentationMetrics(prediction: empty, groundTruth: empty, spacing: spacing)
        #expect((metrics.dice, metrics.jaccard) == (1, 1))
        #expect(metrics.pixels.map { [$0.asd, $0.hd95] } == [0, 0])
        #expect(metrics.millimetres.map { [$0.asd, $0.hd95] } == [0, 0])
        #expect(metrics.absence == nil && metrics.millimetresAbsence == nil)
    }

    @Test func oneEmptyHasNoDistance() throws {
        let missed = try SegmentationMetrics(prediction: empty, groundTruth: dot, spacing: spacing)
        #expect((missed.dice, missed.jaccard) == (0, 0))
        #expect(missed.pixels == nil && missed.millimetres == nil)
        #expect(missed.absence == .predictionEmpty && missed.millimetresAbsence == .predictionEmpty)
        let invented = try SegmentationMetrics(prediction: dot, groundTruth: empty)
        #expect((invented.dice, invented.jaccard) == (0, 0))
        #expect(invented.absence == .groundTruthEmpty && invented.millimetresAbsence == .groundTruthEmpty)
    }

    @Test func millimetresNeedSpacing() throws {
        let metrics = try SegmentationMetrics(prediction: dot, groundTruth: dot)
        #expect(metrics.pixels != nil && metrics.absence == nil)
        #expect(metrics.millimetres == nil && metrics.millimetresAbsence == .spacingUnknown)
    }

    @Test func countsPixels() throws {
        let pair = mask(["......", "..##..", "......", "......"])
        let metrics = try SegmentationMetrics(prediction: pair, groundTruth: dot)
        #expect((metrics.predictionArea, metrics.groundTruthArea, metrics.intersectionArea) == (2, 1, 1))
        #expect(isClose(metrics.dice, 2.0 / 3))
        #expect(metrics.jaccard == 0.5)
        // From the prediction 0 and 1, from the truth 0.
        #expect(isClose(metrics.pixels?.asd ?? 9, 1.0 / 3))
        #expect(isClose(metrics.pixels?.hd95 ?? 9, 0.9))
    }

    @Test func sizesMustAgree() {
        #expect(
            throws: MetricsError.sizeMismatch(
                predictionWidth: 6, predictionHeight: 4, groundTruthWidth: 4, groundTruthHeight: 6)
        ) { try SegmentationMetrics(prediction: empty, groundTruth: Mask(empty: 4, height: 6)) }
    }

    /// Twin: every surface pixel against every surface pixel, over the whole image, percentile by hand.
    @Test(arguments: [nil, Spacing(x: 0.4, y: 1.3)]) func distancesMatchBruteForce(_ spacing: Spacing?) throws {
        func surface(_ mask: Mask) -> [(x: Double, y: Double)] {
            (0..<mask.width * mask.height).compactMap { index in
                let (x, y) = (index % mask.width, index / mask.width)
                guard mask[x, y] else { return nil }
                let isInner = [(-1, 0), (1, 0), (0, -1), (0, 1)].allSatisfy { dx, dy in
                    (0..<mask.width).contains(x + dx) && (0..<mask.height).contains(y + dy) && mask[x + dx, y + dy]
                }
                return isInner ? nil : (Double(x) * (spacing?.x ?? 1), Double(y) * (spacing?.y ?? 1))
            }
        }
        func nearest(_ from: [(x: Double, y: Double)], _ to: [(x: Double, y: Double)]) -> [Double] {
            from.map { p in
                to.map { q in ((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y)).squareRoot() }.min() ?? .nan
            }
        }

        var random = SeededRandom(seed: 21)
        for density: Float in [0.02, 0.2, 0.6, 0.95] {
            let pair = (0..<2).map { _ in
                Mask(width: 21, height: 16, pixels: (0..<21 * 16).map { _ in random.uniform() < density ? 1 : 0 })
            }
            let metrics = try SegmentationMetrics(prediction: pair[0], groundTruth: pair[1], spacing: spacing)
            let found = try #require(spacing == nil ? metrics.pixels : metrics.millimetres)
            let all = nearest(surface(pair[0]), surface(pair[1])) + nearest(surface(pair[1]), surface(pair[0]))
            #expect(isClose(found.asd, all.reduce(0, +) / Double(all.count)))
            let sorted = all.sorted()
            let position = 0.95 * Double(sorted.count - 1)
            let (below, above) = (sorted[Int(position)], sorted[min(Int(position) + 1, sorted.count - 1)])
            #expect(isClose(found.hd95, below + (above - below) * (position - Double(Int(position)))))
        }
    }
}
