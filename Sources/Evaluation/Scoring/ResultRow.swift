package import Adaptation
import Imaging
import Metrics

/// One mask compared with its truth.
package struct ResultRow: Codable, Sendable, Equatable {
    package let dataset: String
    package let label: String
    package let stem: String
    /// The object's number in datasets that number them.
    package let object: String
    package let support: Int
    package let supportSeed: Int
    /// Nil for the base model and for what needs no model.
    package let adapter: AdapterKind?
    package let prompt: PromptStyle
    package let method: Method
    package let dice: Double
    package let jaccard: Double
    /// In pixels, and in millimetres where the spacing is known; nil when one of the two masks is empty.
    package let asd: Double?
    package let hd95: Double?
    package let asdMillimetres: Double?
    package let hd95Millimetres: Double?
    package let predictionArea: Int
    package let truthArea: Int
    /// What the model thinks its Jaccard is.
    package let predictedIoU: Double?
    /// Dice after the first point and after each correction.
    package let diceByClick: [Double]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case dataset, label, stem, object, support
        case supportSeed = "support_seed"
        case adapter, prompt, method, dice, jaccard
        case asd = "asd_px"
        case hd95 = "hd95_px"
        case asdMillimetres = "asd_mm"
        case hd95Millimetres = "hd95_mm"
        case predictionArea = "prediction_px"
        case truthArea = "truth_px"
        case predictedIoU = "predicted_iou"
        case diceByClick = "dice_by_click"
    }

    init(
        _ metrics: SegmentationMetrics, arm: Arm, label: String, stem: String, object: String, prompt: PromptStyle,
        method: Method, predictedIoU: Float? = nil, diceByClick: [Double]? = nil
    ) {
        dataset = arm.dataset
        self.label = label
        self.stem = stem
        self.object = object
        support = arm.support
        supportSeed = arm.supportSeed
        adapter = arm.adapter
        self.prompt = prompt
        self.method = method
        dice = metrics.dice
        jaccard = metrics.jaccard
        asd = metrics.pixels?.asd
        hd95 = metrics.pixels?.hd95
        asdMillimetres = metrics.millimetres?.asd
        hd95Millimetres = metrics.millimetres?.hd95
        predictionArea = metrics.predictionArea
        truthArea = metrics.groundTruthArea
        self.predictedIoU = predictedIoU.flatMap { $0.isFinite ? Double($0) : nil }
        self.diceByClick = diceByClick
    }
}
