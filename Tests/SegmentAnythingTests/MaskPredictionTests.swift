import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Logits to the padded square, cropped, to the original size; thresholded last.
@Suite struct MaskPredictionTests {
    struct Size: Sendable, CustomTestStringConvertible {
        let width, height, side, logits: Int
        var testDescription: String { "\(width)x\(height), \(logits) in \(side)" }
    }

    static let sizes = [
        Size(width: 61, height: 43, side: 56, logits: 28), Size(width: 16, height: 31, side: 32, logits: 32),
        Size(width: 300, height: 200, side: 64, logits: 16), Size(width: 7, height: 5, side: 64, logits: 16),
        Size(width: 1, height: 1, side: 32, logits: 16), Size(width: 90, height: 1, side: 32, logits: 16),
        Size(width: 50, height: 40, side: 32, logits: 64), Size(width: 33, height: 32, side: 60, logits: 28),
        Size(width: 128, height: 128, side: 16, logits: 4),
    ]

    private func prediction(_ size: Size) -> MaskPrediction {
        let logits = (0..<size.logits * size.logits).map { Float(($0 * 7919) % 113) / 10 - 5.6 }
        return MaskPrediction(
            lowResolutionLogits: Tensor(shape: [size.logits, size.logits], logits), predictedIoU: 0.5, index: 0,
            geometry: ImageGeometry(width: size.width, height: size.height, side: size.side))
    }

    /// One bilinear resize, plainly: `F.interpolate(mode="bilinear", align_corners=False)`.
    private func resize(_ x: [[Double]], width: Int, height: Int) -> [[Double]] {
        func place(_ index: Int, _ source: Int, _ target: Int) -> (Int, Int, Double) {
            let place = max((Double(index) + 0.5) * Double(source) / Double(target) - 0.5, 0)
            return (Int(place), min(Int(place) + 1, source - 1), place - Double(Int(place)))
        }
        return (0..<height).map { y in
            let (top, bottom, down) = place(y, x.count, height)
            return (0..<width).map { column in
                let (left, right, across) = place(column, x[0].count, width)
                let above = x[top][left] * (1 - across) + x[top][right] * across
                let below = x[bottom][left] * (1 - across) + x[bottom][right] * across
                return above * (1 - down) + below * down
            }
        }
    }

    @Test(arguments: sizes) func upscalingIsTwoResizesAndACrop(_ size: Size) {
        let prediction = prediction(size)
        let geometry = prediction.geometry
        let low = prediction.lowResolutionLogits.elements.map { Double($0) }
        let rows = (0..<size.logits).map { Array(low[$0 * size.logits..<($0 + 1) * size.logits]) }
        let square = resize(rows, width: size.side, height: size.side)
        let cropped = square[..<geometry.resizedHeight].map { Array($0[..<geometry.resizedWidth]) }
        let expected = resize(cropped, width: size.width, height: size.height).flatMap { $0 }
        let found = prediction.logits()
        #expect(relativeError(found, expected.map { Float($0) }) < 1e-5)
    }

    /// The mean with the mirror image's answer, against the definition; and of both sides alike.
    @Test(arguments: sizes) func theMirrorImageCountsHalf(_ size: Size) {
        let own = prediction(size)
        let other = MaskPrediction(
            lowResolutionLogits: Tensor(
                shape: own.lowResolutionLogits.shape, own.lowResolutionLogits.elements.map { 2 - 3 * $0 }),
            predictedIoU: 0.9, index: 0, geometry: own.geometry)
        let mean = own.averaged(withMirrored: other)
        #expect(mean.predictedIoU == 0.7 && mean.geometry.isWhole)
        let (one, two) = (own.logits(), other.logits())
        let expected = one.indices.map { index in
            let (x, y) = (index % size.width, index / size.width)
            return (one[index] + two[y * size.width + size.width - 1 - x]) / 2
        }
        #expect(mean.logits() == expected)
        #expect(mean.mask().pixels == expected.map { $0 > 0 ? 1 : 0 })
        #expect(other.averaged(withMirrored: own).mask() == mean.mask().flippedHorizontally())
    }

    @Test func promptsAreMirrored() {
        let prompt = Prompt(
            points: [.init(x: 0, y: 3, isForeground: true), .init(x: 9.5, y: 1, isForeground: false)],
            box: .init(x0: 1, y0: 2, x1: 4, y1: 5))
        let mirrored = prompt.mirrored(width: 20)
        #expect(mirrored.points.map(\.x) == [19, 9.5] && mirrored.points.map(\.y) == [3, 1])
        #expect(mirrored.points.map(\.isForeground) == [true, false])
        #expect(mirrored.box == .init(x0: 15, y0: 2, x1: 18, y1: 5))
        #expect(mirrored.mirrored(width: 20) == prompt)
    }

    @Test(arguments: sizes) func thresholdComesLast(_ size: Size) {
        let prediction = prediction(size)
        let logits = prediction.logits()
        #expect(prediction.mask().pixels == logits.map { $0 > 0 ? 1 : 0 })
        let probability = prediction.probability()
        for (value, logit) in zip(probability, logits) {
            #expect(abs(Double(value) - 1 / (1 + exponential(-Double(logit)))) < 1e-6)
        }
    }
}
