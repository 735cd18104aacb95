import Adaptation
import Imaging
import Metrics
import SegmentAnything

/// Answers of one model to the prompts for one target.
struct Segmenter {
    /// As the model sees it: whole, or in tiles.
    private enum Subject {
        case whole(EmbeddedImage)
        case tiles(TiledImage)
    }

    private let subject: Subject

    init(_ image: RGBImage, by answerer: Answerer) {
        if let tiling = answerer.tiling {
            subject = .tiles(TiledImage(image, tiling: tiling, by: answerer.predictor))
        } else {
            subject = .whole(EmbeddedImage(image, by: answerer.predictor))
        }
    }

    /// The answer to a style of prompt; for `corrected` after the last correction, with the Dice after every click.
    func answer(
        _ style: PromptStyle, _ prompts: DrawnPrompts, truth: Mask
    ) throws -> (mask: Mask, predictedIoU: Float, diceByClick: [Double]?) {
        var prompt = prompts.prompt(style)
        var prediction = try segment(prompt, after: nil)
        var mask = prediction.mask()
        guard style == .corrected else { return (mask, prediction.predictedIoU, nil) }
        var dice = [try SegmentationMetrics.dice(mask, truth)]
        for _ in 0..<Correction.count {
            if let click = Correction.point(prediction: mask, truth: truth) {
                prompt.points.append(click)
                prediction = try segment(prompt, after: prediction)
                mask = prediction.mask()
            }
            dice.append(try SegmentationMetrics.dice(mask, truth))
        }
        return (mask, prediction.predictedIoU, dice)
    }

    /// - Parameter former: The answer that is to be refined.
    private func segment(_ prompt: Prompt, after former: MaskPrediction?) throws -> MaskPrediction {
        switch subject {
        case .whole(let image):
            var prompt = prompt
            prompt.maskLogits = former?.lowResolutionLogits
            return try image.segment(prompt)
        case .tiles(let image): return try image.segment(prompt, mask: former?.mask())
        }
    }
}

/// A model as it answers: adapted or not, on whole images or on tiles.
struct Answerer {
    let predictor: Predictor
    let tiling: Tiling?

    /// - Parameter adapter: Nil: the base model.
    init(_ model: SegmentAnythingModel, _ adapter: Adapter?) {
        predictor = Predictor(model, adjustment: adapter?.adjustment ?? .none)
        tiling = adapter?.card.tiling
    }
}

extension SegmentationMetrics {
    fileprivate static func dice(_ prediction: Mask, _ truth: Mask) throws -> Double {
        let total = prediction.area + truth.area
        return total == 0 ? 1 : 2 * Double(prediction.intersectionCount(truth)) / Double(total)
    }
}
