import Adaptation
import Basics
import Foundation
import Imaging
import Metrics
import SegmentAnything
import TestSupport

/// The embedded model, or the file that `GMISEG_MODEL` names.
enum EmbeddedModel {
    static let path =
        ProcessInfo.processInfo.environment["GMISEG_MODEL"]
        ?? Fixtures.repository("models/gmiseg-mini.safetensors")
    static var isThere: Bool { FileManager.default.fileExists(atPath: path) }
}

/// The labelled images of `folder/images` and `folder/masks` in order of their names.
func labelledImages(_ folder: String) throws -> [Example] { try namedImages(folder).map(\.example) }

/// The same with their stems. In masks with several labels the one with the largest area in all is the object; images without
/// it are left out.
func namedImages(_ folder: String) throws -> [(stem: String, example: Example)] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/images").sorted()
    let pairs = try names.map { name in
        let image = RGBImage(try ImageDecoder.decode(path: "\(folder)/images/\(name)"))
        let stem = name.split(separator: ".").dropLast().joined(separator: ".")
        let labels = try LabelMap(try ImageDecoder.decode(path: "\(folder)/masks/\(stem).png"))
        return (stem: stem, image: image, labels: labels)
    }
    var areas: [UInt16: Int] = [:]
    for pair in pairs { for label in pair.labels.labels where label != 0 { areas[label, default: 0] += 1 } }
    guard let object = areas.max(by: { ($0.value, $1.key) < ($1.value, $0.key) })?.key else { return [] }
    return pairs.compactMap { pair in
        let mask = pair.labels.mask(of: object)
        return mask.area >= 30 ? (pair.stem, Example(image: pair.image, mask: mask)) : nil
    }
}

/// Mean Dice by prompt kind, mask 0, prompts simulated with a fixed seed; several draws where they are random.
///
/// - Parameter tiling: The tiles that the adapter answers in; nil: it sees whole images.
func meanDice(
    _ predictor: Predictor, _ examples: [Example], tiling: Tiling? = nil
) throws -> [PromptKind: Double] {
    var sums: [PromptKind: Double] = [:]
    for (index, example) in examples.enumerated() {
        guard let simulator = PromptSimulator(mask: example.mask) else { continue }
        let answer: (Prompt) throws -> MaskPrediction
        if let tiling {
            let image = TiledImage(example.image, tiling: tiling, by: predictor)
            answer = { try image.segment($0) }
        } else {
            // As the service looks: at the part of the image about a small box.
            let image = EmbeddedImage(example.image, by: predictor)
            answer = { prompt in
                let view = try image.view(of: prompt)
                return try predictor.predict(view.embedding, [view.prompt])[0][0]
            }
        }
        var generator = SeededRandom(seed: UInt64(index))
        for kind in PromptKind.allCases {
            let prompts = (0..<(kind == .none ? 1 : 4)).map { _ in simulator.prompt(kind, using: &generator) }
            let scores = try prompts.map { prompt in
                try SegmentationMetrics(prediction: answer(prompt).mask(), groundTruth: example.mask).dice
            }
            sums[kind, default: 0] += scores.reduce(0, +) / Double(scores.count)
        }
    }
    return sums.mapValues { $0 / Double(examples.count) }
}
