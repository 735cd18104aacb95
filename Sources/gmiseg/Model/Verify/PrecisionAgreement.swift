import Foundation

/// How well masks made with a model's 8-bit weights agree with those of its floats: what `gmiseg model verify` measured,
/// kept as a small JSON file beside the model.
struct PrecisionAgreement: Encodable {
    /// Least mean intersection over union at which 8-bit weights are good enough.
    static let requiredMeanIoU = 0.98
    /// Fewer images say too little about the next one.
    static let requiredImages = 5

    var precision = "int8"
    let model: String
    let modelSHA256: String
    let images: Int
    let prompts: Int
    /// Intersection over union of the two masks of each prompt: mean and least.
    let meanIoU: Double
    let leastIoU: Double
    /// ISO 8601, to the second.
    let date: String
    let build: String

    private enum CodingKeys: String, CodingKey {
        case precision, model, images, prompts, date, build
        case modelSHA256 = "model_sha256"
        case meanIoU = "mean_mask_iou"
        case leastIoU = "least_mask_iou"
    }

    /// Where the agreement of the model file at `path` is kept.
    static func path(besideModel path: String) -> String { path + ".int8.json" }

    /// Writes the file whole or not at all.
    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: URL(filePath: path), options: .atomic)
    }
}
