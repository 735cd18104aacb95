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
    /// The mirror image, where answers are averaged with those on it.
    private let mirrored: Subject?
    private let width: Int

    init(_ image: RGBImage, by answerer: Answerer, flips: Bool = false) {
        subject = Self.subject(image, answerer)
        mirrored = flips ? Self.subject(image.flippedHorizontally(), answerer) : nil
        width = image.width
    }

    private static func subject(_ image: RGBImage, _ answerer: Answerer) -> Subject {
        if let tiling = answerer.tiling { return .tiles(TiledImage(image, tiling: tiling, by: answerer.predictor)) }
        return .whole(EmbeddedImage(image, by: answerer.predictor))
    }

    /// The answer to a style of prompt; for `corrected` after the last correction, with the Dice after every click.
    func answer(
        _ style: PromptStyle, _ prompts: DrawnPrompts, truth: Mask
    ) throws -> (mask: Mask, predictedIoU: Float, diceByClick: [Double]?) {
        var prompt = prompts.prompt(style)
        var found = try segment(prompt)
        var mask = found.mask()
        guard style == .corrected else { return (mask, found.predictedIoU, nil) }
        var dice = [try SegmentationMetrics.dice(mask, truth)]
        for _ in 0..<Correction.count {
            if let click = Correction.point(prediction: mask, truth: truth) {
                // As over HTTP: all clicks so far, in their order, and nothing of the answers between.
                prompt.points.append(click)
                found = try segment(prompt)
                mask = found.mask()
            }
            dice.append(try SegmentationMetrics.dice(mask, truth))
        }
        return (mask, found.predictedIoU, dice)
    }

    private func segment(_ prompt: Prompt) throws -> MaskPrediction {
        let own = try Self.segment(subject, prompt)
        guard let mirrored else { return own }
        return own.averaged(withMirrored: try Self.segment(mirrored, prompt.mirrored(width: width)))
    }

    private static func segment(_ subject: Subject, _ prompt: Prompt) throws -> MaskPrediction {
        switch subject {
        case .whole(let image): try image.segment(prompt)
        case .tiles(let image): try image.segment(prompt)
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
