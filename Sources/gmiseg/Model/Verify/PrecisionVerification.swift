import API
import ArgumentParser
import Foundation
import SegmentAnything

/// `gmiseg model verify --precision int8`: how far a model's masks change with 8-bit weights.
struct PrecisionVerification {
    let model: SegmentAnythingModel
    /// Every one with its mask if there is one.
    let images: [ImageFolder.Entry]
    let isQuiet: Bool

    /// Prints a line for each image to standard error and the sum to standard output.
    func run() throws -> PrecisionAgreement {
        let comparison = PrecisionComparison(model, weights: QuantizedWeights(model))
        var agreements: [PrecisionComparison.Agreement] = []
        for (index, entry) in images.enumerated() {
            let (image, mask) = try entry.read()
            let found = try comparison.compare(image, mask: mask, seed: UInt64(index))
            agreements += found
            if !isQuiet {
                let text = found.map { "\($0.prompt) \(String(format: "%.4f", $0.iou))" }.joined(separator: ", ")
                StandardStream.error.write("\(entry.image): \(text)\n")
            }
        }
        for (kind, members) in Dictionary(grouping: agreements, by: \.prompt).sorted(by: { $0.key < $1.key }) {
            print("\(kind): \(Self.summary(members.map(\.iou)))")
        }
        let all = agreements.map(\.iou)
        print("all: \(Self.summary(all)), \(images.count) images")
        return PrecisionAgreement(
            model: model.name, modelSHA256: model.sha256, images: images.count, prompts: all.count,
            meanIoU: all.reduce(0, +) / Double(max(all.count, 1)), leastIoU: all.min() ?? 0,
            date: Date.now.formatted(.iso8601), build: BuildInfo.version)
    }

    private static func summary(_ values: [Double]) -> String {
        let mean = values.reduce(0, +) / Double(max(values.count, 1))
        return String(format: "mean mask IoU %.4f, least %.4f, %ld prompts", mean, values.min() ?? 0, values.count)
    }
}
