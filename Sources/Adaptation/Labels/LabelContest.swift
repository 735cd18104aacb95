package import SegmentAnything

/// Answers for several labels on one image, put together, so that no two labels share a pixel: of those labels that are likelier there
/// than not it goes to the likeliest.
///
/// How likely an answer thinks its label tells what is object rather than which: a rim's is as sure of the cup within as of the rim. So what
/// is compared is that and the likeness of the place to each label.
///
/// Labels enter one by one, and only the best so far is kept. Among equals the label that entered first has the pixel.
package struct LabelContest: Sendable {
    package let width: Int
    package let height: Int
    /// The sum of logits of the label that has the pixel; 0 where none has.
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
    ///   - likeness: To the label, of the same image, where the support set tells.
    ///   - label: From 0.
    package mutating func enter(_ answer: MaskPrediction, likeness: MaskPrediction? = nil, as label: Int) {
        let (logits, alike) = (answer.logits(), likeness?.logits())
        precondition(
            logits.count == best.count && alike.map { $0.count == best.count } ?? true, "an answer on another image")
        let mark = UInt8(label + 1)
        for pixel in logits.indices where logits[pixel] > 0 {
            let sum = logits[pixel] + (alike?[pixel] ?? 0)
            guard owners[pixel] == 0 || sum > best[pixel] else { continue }
            best[pixel] = sum
            owners[pixel] = mark
        }
    }

    package var labels: LabelImage { LabelImage(width: width, height: height, pixels: owners) }
}
