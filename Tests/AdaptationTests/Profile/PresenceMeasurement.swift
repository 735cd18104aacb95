import Adaptation
import Basics
import Foundation
import Imaging
import SegmentAnything
import TestSupport
import Testing

/// How often an object is missed that an image shows, and found that it does not show: for whoever changes the rule.
///
/// `GMISEG_PRESENCE` names folders of label maps; of each, every label that enough images show is a task by itself.
@Suite(
    .enabled(if: !RecipeMeasurement.list("GMISEG_PRESENCE").isEmpty, "a measurement: set GMISEG_PRESENCE"), .serialized)
struct PresenceMeasurement {
    @Test(.enabled(if: EmbeddedModel.isThere)) func presence() throws {
        let predictor = Predictor(try SegmentAnythingModel(path: EmbeddedModel.path))
        let size = RecipeMeasurement.number("GMISEG_SUPPORT", 8)
        for folder in RecipeMeasurement.list("GMISEG_PRESENCE") {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/images").sorted()
            let images = try names.prefix(120).map { name in
                let image = RGBImage(try ImageDecoder.decode(path: "\(folder)/images/\(name)"))
                let stem = name.split(separator: ".").dropLast().joined(separator: ".")
                let labels = try LabelMap(try ImageDecoder.decode(path: "\(folder)/masks/\(stem).png"))
                return (image: image, labels: labels, embedding: predictor.embed(image))
            }
            let values = Set(images.flatMap { $0.labels.labels }).subtracting([0]).sorted().prefix(8)
            for value in values {
                let shown = images.indices.filter { images[$0].labels.mask(of: value).area >= 30 }
                let lacking = images.indices.filter { images[$0].labels.mask(of: value).isEmpty }
                guard shown.count >= size + 4 else { continue }
                for seed in 0..<RecipeMeasurement.number("GMISEG_SEEDS", 3) {
                    var random = SeededRandom(seed: UInt64(seed))
                    let order = shown.shuffled(using: &random)
                    let support = order.prefix(size).map {
                        Example(image: images[$0].image, mask: images[$0].labels.mask(of: value))
                    }
                    let profile = try SupportProfiler(LabelledPredictor(predictor), isAdapted: true, isCalibrated: true)
                        .profile(support)
                    func absent(_ members: [Int]) -> String {
                        let count = members.count { profile.presence(images[$0].embedding)?.isThere == false }
                        return "\(count)/\(members.count)"
                    }
                    print(
                        "presence", URL(filePath: folder).lastPathComponent, "label \(value) seed \(seed)",
                        "missed \(absent(Array(order.dropFirst(size).prefix(40))))",
                        "noticed \(absent(Array(lacking.shuffled(using: &random).prefix(40))))")
                }
            }
        }
    }
}
