package import SegmentAnything

/// Answers for several labels on one image, put together: a pixel goes to the label that is likeliest there, if that is
/// likelier than not, so that no two labels share one.
///
/// Labels enter one by one, and only the best so far is kept. Among equals the label that entered first has the pixel.
package struct LabelContest: Sendable {
    package let width: Int
    package let height: Int
    /// Logit of the label that has the pixel; 0 where none has.
    private var best: [Float]
    private var owners: [UInt8]

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
        best = [Float](repeating: 0, count: width * height)
        owners = [UInt8](repeating: 0, count: width * height)
    }

    /// - Parameters:
    ///   - answer: On an image of this size.
    ///   - label: From 0.
    package mutating func enter(_ answer: MaskPrediction, as label: Int) {
        let logits = answer.logits()
        precondition(logits.count == best.count, "an answer on another image")
        let mark = UInt8(label + 1)
        for pixel in logits.indices where logits[pixel] > best[pixel] {
            best[pixel] = logits[pixel]
            owners[pixel] = mark
        }
    }

    package var labels: LabelImage { LabelImage(width: width, height: height, pixels: owners) }
}
