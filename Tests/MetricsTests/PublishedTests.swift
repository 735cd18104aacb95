import Foundation
import Imaging
import Metrics
import TestSupport
import Testing

/// Against MedPy, MONAI and surface-distance on seeded masks (`scripts/reference/write_metric_fixtures.py`): empty masks,
/// single pixels, holes, borders, and pixels that are not square. `docs/evaluation.md` says where the three differ.
struct PublishedTests {
    struct Row: Decodable, Sendable, CustomTestStringConvertible {
        struct Distances: Decodable, Sendable {
            let asd, hd95: Double?
        }
        struct Spaced: Decodable, Sendable {
            let x, y: Double
            let medpy, monai, surfaceDistance: Distances
        }
        let name: String
        let prediction, groundTruth: [String]
        let diceMONAI, jaccardMONAI: Double
        let diceSurfaceDistance: Double?
        let spaced: [Spaced]
        var testDescription: String { name }
    }

    static let rows = try! JSONDecoder().decode(
        [Row].self, from: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("metrics/published.json"))))

    private static func mask(_ rows: [String]) -> Mask {
        Mask(width: rows[0].utf8.count, height: rows.count, pixels: rows.joined().utf8.map { $0 == 0x23 ? 1 : 0 })
    }

    private func metrics(_ row: Row, _ spaced: Row.Spaced) throws -> SegmentationMetrics {
        try SegmentationMetrics(
            prediction: Self.mask(row.prediction), groundTruth: Self.mask(row.groundTruth),
            spacing: Spacing(x: spaced.x, y: spaced.y))
    }

    /// All define overlap alike, two empty masks apart: there MONAI (told not to ignore them) says 1 as we do,
    /// surface-distance says NaN. MONAI computes in single precision.
    @Test(arguments: rows) func overlapIsTheirs(_ row: Row) throws {
        let metrics = try metrics(row, row.spaced[0])
        #expect(abs(metrics.dice - row.diceMONAI) < 1e-6)
        #expect(abs(metrics.jaccard - row.jaccardMONAI) < 1e-6)
        if let dice = row.diceSurfaceDistance {
            #expect(abs(metrics.dice - dice) < 1e-12)
        } else {
            #expect(metrics.predictionArea + metrics.groundTruthArea == 0)
        }
    }

    @Test(arguments: rows) func distancesAreMedPys(_ row: Row) throws {
        for spaced in row.spaced {
            let metrics = try metrics(row, spaced)
            guard let asd = spaced.medpy.asd, let hd95 = spaced.medpy.hd95 else {
                // MedPy refuses empty masks: ours are 0 for two of them, absent for one.
                #expect(metrics.predictionArea == 0 || metrics.groundTruthArea == 0)
                #expect(metrics.millimetres?.asd == (metrics.predictionArea == metrics.groundTruthArea ? 0 : nil))
                continue
            }
            let found = try #require(metrics.millimetres)
            #expect(abs(found.asd - asd) < 1e-9 && abs(found.hd95 - hd95) < 1e-9)
        }
    }

    /// MONAI's symmetric average is ours. Its HD95 is the larger of two directed percentiles and so a different number:
    /// the percentile of all distances lies below it, but for the interpolation between two ranks.
    @Test(arguments: rows) func averageDistanceIsMONAIs(_ row: Row) throws {
        for spaced in row.spaced {
            guard let asd = spaced.monai.asd, let hd95 = spaced.monai.hd95 else { continue }
            let found = try #require(try metrics(row, spaced).millimetres)
            #expect(abs(found.asd - asd) < 1e-5 * max(1, asd))
            #expect(found.hd95 <= hd95 + 0.1 * max(spaced.x, spaced.y))
        }
    }

    /// surface-distance measures between polygons through pixel corners and averages the two directions: another
    /// definition of the same quantity, so that only the size of the number can be compared.
    @Test(arguments: rows) func averageDistanceIsNearThePolygons(_ row: Row) throws {
        for spaced in row.spaced {
            guard let asd = spaced.surfaceDistance.asd else { continue }
            let found = try #require(try metrics(row, spaced).millimetres)
            let diagonal = (spaced.x * spaced.x + spaced.y * spaced.y).squareRoot()
            #expect(abs(found.asd - asd) < 2 * diagonal, "\(found.asd), \(asd)")
        }
    }
}
