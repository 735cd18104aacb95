import Basics
import Glibc
import Imaging
package import SegmentAnything
import Tensor

/// How much an answer depends on the exact prompt: the answers to prompts nearby, put together.
package struct MaskSpread: Sendable {
    /// The mean probability of all answers, as logits; its `probability()` is the map.
    package let mean: MaskPrediction
    /// Mean Dice of the other answers with the first, 0 to 1.
    package let agreement: Double
    /// Areas of 95 % of the answers, in shares of the first answer's; 1 lies within. Nil when the first is empty, or is not what is shown.
    package private(set) var relativeArea: ClosedRange<Double>?

    /// - Parameters:
    ///   - answer: The answer that was given.
    ///   - others: Answers to prompts nearby, on the same image.
    package init(_ answer: MaskPrediction, others: [MaskPrediction]) {
        let frame = MaskTarget.frame(answer.geometry, side: answer.lowResolutionLogits.shape[0])
        let logits = ([answer] + others).map(\.lowResolutionLogits.elements)
        var mean = [Float](repeating: 0, count: frame.count)
        for answer in logits {
            for index in mean.indices { mean[index] += 1 / (1 + expf(-answer[index])) }
        }
        // Kept off 0 and 1, where logits end.
        let share = 1 / Float(logits.count)
        let joined = mean.map { sum in
            let probability = min(max(sum * share, 1e-6), 1 - 1e-6)
            return logf(probability / (1 - probability))
        }
        self.mean = MaskPrediction(
            lowResolutionLogits: Tensor(shape: answer.lowResolutionLogits.shape, joined),
            predictedIoU: answer.predictedIoU, index: answer.index, geometry: answer.geometry)
        let (areas, agreements) = Self.compare(logits, frame)
        agreement = agreements.isEmpty ? 1 : agreements.reduce(0, +) / Double(agreements.count)
        relativeArea =
            areas[0] > 0 ? Self.interval(areas.map { $0 / areas[0] }, within: 1) : nil
    }

    /// The spread of an answer that others contest pixels with: how far the area of what they leave would move, nobody has tried.
    package func contested() -> MaskSpread {
        var spread = self
        spread.relativeArea = nil
        return spread
    }

    /// Areas of all, and Dice of all but the first with the first. Empty masks agree with each other alone.
    private static func compare(_ logits: [[Float]], _ frame: [Float]) -> (areas: [Double], dice: [Double]) {
        var (areas, dice) = ([Double](), [Double]())
        for (index, answer) in logits.enumerated() {
            var (area, overlap) = (0.0, 0.0)
            for cell in frame.indices where answer[cell] > 0 {
                area += Double(frame[cell])
                if logits[0][cell] > 0 { overlap += Double(frame[cell]) }
            }
            areas.append(area)
            guard index > 0 else { continue }
            let total = area + areas[0]
            dice.append(total == 0 ? 1 : 2 * overlap / total)
        }
        return (areas, dice)
    }

    private static func interval(_ values: [Double], within value: Double) -> ClosedRange<Double> {
        let sorted = values.sorted()
        return min(sorted.quantile(0.025), value)...max(sorted.quantile(0.975), value)
    }

    /// The uncertainty of each pixel of the original image, row-major, 0 to 255: the entropy of its probability, 255 for a
    /// toss of a coin.
    package func uncertainty() -> [UInt8] { mean.probability().map { Self.grey(Self.entropy($0)) } }

    /// The nearest of 256 levels to a share from 0 to 1; 0 for what is no number.
    package static func grey(_ share: Float) -> UInt8 { UInt8(min(max(0, 255 * share + 0.5), 255)) }

    /// In bits, 0 to 1.
    package static func entropy(_ probability: Float) -> Float {
        guard probability > 0, probability < 1 else { return 0 }
        return -(probability * log2f(probability) + (1 - probability) * log2f(1 - probability))
    }

    /// The intersection over union with the truth that `logits`, taken as independent probabilities, let expect: what of
    /// the mask is object, over the mask and the object beside it.
    package static func expectedIoU(_ logits: [Float]) -> Float {
        var (inside, area, beside) = (Float(0), Float(0), Float(0))
        for logit in logits {
            let probability = 1 / (1 + expf(-logit))
            if logit > 0 {
                inside += probability
                area += 1
            } else {
                beside += probability
            }
        }
        return area + beside == 0 ? 0 : inside / (area + beside)
    }
}
