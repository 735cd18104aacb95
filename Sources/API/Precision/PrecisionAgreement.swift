import Foundation

/// How well masks made with a model's 8-bit weights agree with those of its floats: what `gmiseg model verify` measured,
/// kept as a small JSON file beside the model.
package struct PrecisionAgreement: Codable, Sendable, Equatable {
    /// Least mean intersection over union with which 8-bit weights are served unless somebody insists.
    package static let requiredMeanIoU = 0.98
    /// Fewer images say too little about the next one.
    package static let requiredImages = 5

    package var precision = "int8"
    package let model: String
    package let modelSHA256: String
    package let images: Int
    package let prompts: Int
    /// Intersection over union of the two masks of each prompt: mean and least.
    package let meanIoU: Double
    package let leastIoU: Double
    /// ISO 8601, to the second.
    package let date: String
    package let build: String

    package init(
        model: String, modelSHA256: String, images: Int, prompts: Int, meanIoU: Double, leastIoU: Double,
        date: String, build: String
    ) {
        self.model = model
        self.modelSHA256 = modelSHA256
        self.images = images
        self.prompts = prompts
        self.meanIoU = meanIoU
        self.leastIoU = leastIoU
        self.date = date
        self.build = build
    }

    private enum CodingKeys: String, CodingKey {
        case precision, model, images, prompts, date, build
        case modelSHA256 = "model_sha256"
        case meanIoU = "mean_mask_iou"
        case leastIoU = "least_mask_iou"
    }

    /// Where the agreement of the model file at `path` is kept.
    package static func path(besideModel path: String) -> String { path + ".int8.json" }

    /// - Throws: What `Data` and `JSONDecoder` throw.
    package init(path: String) throws {
        self = try JSONDecoder().decode(PrecisionAgreement.self, from: Data(contentsOf: URL(filePath: path)))
    }

    /// Writes the file whole or not at all.
    package func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: URL(filePath: path), options: .atomic)
    }

    /// For answers: the model is named beside it.
    var json: JSON {
        [
            "images": .integer(images), "prompts": .integer(prompts), "mean_mask_iou": .rounded(meanIoU, places: 4),
            "least_mask_iou": .rounded(leastIoU, places: 4), "date": .string(date), "build": .string(build),
        ]
    }
}
