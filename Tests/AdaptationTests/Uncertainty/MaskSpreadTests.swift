import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct MaskSpreadTests {
    /// Logits of 4 × 4 cells on an image of 8 × 8 pixels.
    private func answer(_ logits: [Float]) -> MaskPrediction {
        MaskPrediction(
            lowResolutionLogits: Tensor(shape: [4, 4], logits), predictedIoU: 0.5, index: 0,
            geometry: ImageGeometry(width: 8, height: 8, side: 16))
    }

    /// Object in the first `rows` rows.
    private func rows(_ rows: Int, logit: Float = 5) -> MaskPrediction {
        answer((0..<16).map { $0 / 4 < rows ? logit : -logit })
    }

    @Test func answersThatAgreeLeaveNoDoubt() throws {
        let spread = MaskSpread(rows(2, logit: 30), others: [rows(2, logit: 30), rows(2, logit: 30)])
        #expect(spread.agreement == 1)
        #expect(spread.relativeArea == 1...1)
        let doubt = spread.uncertainty()
        #expect(doubt.count == 64)
        // Only where the upscaled logits cross zero.
        #expect(doubt[0] == 0 && doubt[63] == 0)
    }

    @Test func isTheMeanOfAllAnswers() {
        // Half of the answers say yes in the second row.
        let spread = MaskSpread(
            rows(1, logit: 30), others: [rows(2, logit: 30), rows(1, logit: 30), rows(2, logit: 30)])
        let mean = spread.mean.lowResolutionLogits.elements.map { 1 / (1 + Float.exp(-$0)) }
        #expect(abs(mean[4] - 0.5) < 1e-5)
        #expect(mean[0] > 0.999 && mean[12] < 0.001)
        #expect(abs(MaskSpread.entropy(0.5) - 1) < 1e-6)
        #expect(MaskSpread.entropy(0) == 0 && MaskSpread.entropy(1) == 0)
        // Dice of one row with two is 2/3.
        #expect(abs(spread.agreement - (2 / 3.0 + 1 + 2 / 3.0) / 3) < 1e-9)
    }

    @Test func theIntervalHoldsTheAnswer() throws {
        let spread = MaskSpread(rows(1), others: [rows(2), rows(3), rows(2)])
        let interval = try #require(spread.relativeArea)
        #expect(interval.lowerBound == 1)
        #expect(interval.upperBound > 2.5 && interval.upperBound <= 3)
        #expect(MaskSpread(rows(0), others: [rows(1)]).relativeArea == nil)
        #expect(MaskSpread(rows(0), others: [rows(0)]).agreement == 1)
        #expect(MaskSpread(rows(0), others: [rows(1)]).agreement == 0)
        #expect(MaskSpread(rows(1), others: []).agreement == 1)
    }

    @Test func expectsTheOverlapThatItsProbabilitiesSay() {
        #expect(MaskSpread.expectedIoU([Float](repeating: -30, count: 4)) < 1e-6)
        #expect(abs(MaskSpread.expectedIoU([30, 30, -30, -30]) - 1) < 1e-6)
        // Two cells of which one is object, and two beside of which one is: 1 of 3.
        #expect(abs(MaskSpread.expectedIoU([1e-6, 1e-6, -1e-6, -1e-6]) - 1 / 3) < 1e-3)
    }
}

extension Float {
    fileprivate static func exp(_ x: Float) -> Float { Float(Double.exp(Double(x))) }
}

extension Double {
    /// By its series, so that the test needs no C library.
    fileprivate static func exp(_ x: Double) -> Double {
        var (sum, term) = (1.0, 1.0)
        for n in 1...200 {
            term *= x / 256 / Double(n)
            sum += term
        }
        for _ in 0..<8 { sum *= sum }
        return sum
    }
}
