import Imaging
import Metrics
import SegmentAnything

/// All rows of one target under one arm.
struct TargetScorer {
    let arm: Arm
    let label: String
    let stem: String
    let target: Target
    let drawn: DrawnPrompts
    let spacing: Spacing?
    /// Whether it is the first of its image and label: without a prompt all objects together are asked for, once.
    let isFirst: Bool

    init(
        arm: Arm, task: LabelTask, pair: Dataset.Pair, dataset: Dataset, target: Target, isFirst: Bool, seed: UInt64
    ) {
        self.arm = arm
        self.isFirst = isFirst
        label = task.name
        stem = pair.stem
        self.target = target
        drawn = DrawnPrompts(
            target.truth, key: DrawKey(seed: seed, arm.dataset, task.name, pair.stem, target.object))
        spacing = dataset.spacing(of: pair.stem)
    }

    func modelRows(_ segmenter: Segmenter, _ styles: [PromptStyle]) throws -> [ResultRow] {
        try asked(styles).map { style in
            let truth = truth(style)
            let answer = try segmenter.answer(style, drawn, truth: truth)
            return try row(
                answer.mask, style, .model, predictedIoU: answer.predictedIoU, diceByClick: answer.diceByClick)
        }
    }

    func baselineRows(_ styles: [PromptStyle], model: Configuration) throws -> [ResultRow] {
        try asked(styles).flatMap { style in
            try Method.baselines(of: style).map { try row(shape($0, style, model), style, $0) }
        }
    }

    private func asked(_ styles: [PromptStyle]) -> [PromptStyle] { styles.filter { $0 != .none || isFirst } }

    /// Whether `row` is one of its rows.
    func made(_ row: ResultRow) -> Bool {
        row.label == label && row.object == object(row.prompt) && (row.prompt != .none || isFirst)
    }

    private func object(_ style: PromptStyle) -> String { style == .none ? "" : target.object }

    func truth(_ style: PromptStyle) -> Mask { style == .none ? target.whole : target.truth }

    private func shape(_ method: Method, _ style: PromptStyle, _ model: Configuration) -> Mask {
        let (width, height) = (target.truth.width, target.truth.height)
        let box = style == .exactBox ? drawn.exactBox : drawn.box
        let point = style == .centrePoint ? drawn.centre : drawn.points[0]
        return switch method {
        case .ellipse: PromptShapes.ellipse(in: box, width: width, height: height)
        case .filledBox: PromptShapes.filled(box, width: width, height: height)
        case .disc: PromptShapes.disc(at: point, width: width, height: height)
        case .wholeImage: PromptShapes.wholeImage(width: width, height: height)
        case .gridLimit: GridLimit.mask(of: truth(style), model: model)
        case .model: preconditionFailure("the model is no baseline")
        }
    }

    private func row(
        _ mask: Mask, _ style: PromptStyle, _ method: Method, predictedIoU: Float? = nil, diceByClick: [Double]? = nil
    ) throws -> ResultRow {
        let metrics = try SegmentationMetrics(prediction: mask, groundTruth: truth(style), spacing: spacing)
        return ResultRow(
            metrics, arm: arm, label: label, stem: stem, object: object(style), prompt: style, method: method,
            predictedIoU: predictedIoU, diceByClick: diceByClick)
    }
}
