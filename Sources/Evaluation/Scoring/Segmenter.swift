import Imaging
import Metrics
import SegmentAnything

/// Answers of one model to the prompts for one target.
struct Segmenter {
    let image: EmbeddedImage

    /// The answer to a style of prompt; for `corrected` after the last correction, with the Dice after every click.
    func answer(
        _ style: PromptStyle, _ prompts: DrawnPrompts, truth: Mask
    ) throws -> (mask: Mask, predictedIoU: Float, diceByClick: [Double]?) {
        var prompt = prompts.prompt(style)
        var prediction = try image.segment(prompt)
        var mask = prediction.mask()
        guard style == .corrected else { return (mask, prediction.predictedIoU, nil) }
        var dice = [try SegmentationMetrics.dice(mask, truth)]
        for _ in 0..<Correction.count {
            if let click = Correction.point(prediction: mask, truth: truth) {
                prompt.points.append(click)
                prompt.maskLogits = prediction.lowResolutionLogits
                prediction = try image.segment(prompt)
                mask = prediction.mask()
            }
            dice.append(try SegmentationMetrics.dice(mask, truth))
        }
        return (mask, prediction.predictedIoU, dice)
    }
}

extension SegmentationMetrics {
    fileprivate static func dice(_ prediction: Mask, _ truth: Mask) throws -> Double {
        let total = prediction.area + truth.area
        return total == 0 ? 1 : 2 * Double(prediction.intersectionCount(truth)) / Double(total)
    }
}
