import Adaptation
import Basics
import Foundation
import Imaging
import Metrics
import SegmentAnything
import Testing

/// Not a test of correctness but the instrument behind the figures on several labels in `docs/adaptation.md`: runs only when asked to.
///
/// `GMISEG_LABELLED` holds folders of label maps, separated by semicolons; a label counts where at least half of a folder's maps show it.
/// Support images and queries are drawn as by ``RecipeMeasurement``, with the same settings. Prints a line for each folder and seed: the
/// mean Dice of the labels without a prompt, each by itself (`alone`) and among the others (`together`), and each label's; first
/// untrained, then for each of `GMISEG_RECIPES`, whose steps are for each label.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GMISEG_LABELLED"] != nil, "GMISEG_LABELLED is not set"))
struct LabelMeasurement {
    @Test(.enabled(if: EmbeddedModel.isThere)) func labels() throws {
        let model = try SegmentAnythingModel(path: EmbeddedModel.path)
        for folder in RecipeMeasurement.list("GMISEG_LABELLED") {
            let (images, labelCount) = try Self.images(folder)
            guard labelCount > 1 else { continue }
            for seed in 0..<RecipeMeasurement.number("GMISEG_SEEDS", 1) {
                let (support, queries) = try RecipeMeasurement.split(images, seed: UInt64(seed))
                guard !support.isEmpty, !queries.isEmpty else { continue }
                let base = LabelledPredictor(Predictor(model))
                let profiles = try SupportProfiler(base, isAdapted: false).profiles(support, labelCount: labelCount)
                try Self.report(folder, seed, "untrained", base, isAdapted: false, profiles, queries)
                for text in RecipeMeasurement.list("GMISEG_RECIPES") {
                    var settings = try RecipeMeasurement.recipe(text, seed: UInt64(seed))
                    settings.steps *= labelCount
                    let labels = AdapterLabels(
                        names: (1...labelCount).map { "label \($0)" }, values: Array(1...labelCount))
                    let trained = try Trainer(model: model, examples: support, settings: settings, labels: labels)
                        .run()
                    let adapted = LabelledPredictor(model, adjustments: trained.adapter.adjustments)
                    let own = try SupportProfiler(
                        adapted, isAdapted: true, likenesses: profiles.map(\.likeness), isCalibrated: true
                    ).profiles(support, labelCount: labelCount)
                    try Self.report(folder, seed, text, adapted, isAdapted: true, own, queries)
                }
            }
        }
    }

    /// Images with their label maps, less the labels that few maps show and the images that show no other.
    private static func images(_ folder: String) throws -> ([(stem: String, example: Example)], labelCount: Int) {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/images").sorted()
        let pairs = try names.map { name in
            let stem = name.split(separator: ".").dropLast().joined(separator: ".")
            return (
                stem: stem, image: RGBImage(try ImageDecoder.decode(path: "\(folder)/images/\(name)")),
                map: try LabelMap(try ImageDecoder.decode(path: "\(folder)/masks/\(stem).png"))
            )
        }
        var counts: [UInt16: Int] = [:]
        for pair in pairs { for value in pair.map.values { counts[value, default: 0] += 1 } }
        let values = counts.filter { 2 * $0.value >= pairs.count }.keys.sorted()
        let index = Dictionary(uniqueKeysWithValues: zip(values, UInt8(1)...))
        let images = pairs.compactMap { pair -> (stem: String, example: Example)? in
            let labels = LabelImage(
                width: pair.map.width, height: pair.map.height, pixels: pair.map.labels.map { index[$0] ?? 0 })
            return labels.present.isEmpty ? nil : (pair.stem, Example(image: pair.image, labels: labels))
        }
        return (images, values.count)
    }

    private static func report(
        _ folder: String, _ seed: Int, _ name: String, _ predictor: LabelledPredictor, isAdapted: Bool,
        _ profiles: [SupportProfile], _ queries: [Example]
    ) throws {
        var (alone, together) = (profiles.map { _ in [Double]() }, profiles.map { _ in [Double]() })
        for query in queries {
            let embedding = predictor.embed(query.image)
            let base = predictor[0].base?.embed(query.image)
            func dice(_ labels: [Int]) throws -> [(label: Int, dice: Double)] {
                try Unprompted.answers(labels, on: embedding, profile: { profiles[$0] }) { label in
                    let reader = PromptlessReader(predictor[label], isAdapted: isAdapted)
                    let found = try reader.answer(.none, embedding, base: base, profiles[label], byPixels: nil)
                    return (found.prediction, found.likeness, ())
                }.map { answer in
                    let truth = query.labels.mask(answer.label)
                    return (answer.label, try SegmentationMetrics(prediction: answer.mask, groundTruth: truth).dice)
                }
            }
            let shown = Set(query.labels.present)
            for found in try dice(Array(profiles.indices)) where shown.contains(found.label) {
                together[found.label].append(found.dice)
                alone[found.label] += try dice([found.label]).map(\.dice)
            }
        }
        func mean(_ values: [Double]) -> Double { 100 * values.reduce(0, +) / Double(max(values.count, 1)) }
        let shown = together.indices.filter { !together[$0].isEmpty }
        let each = shown.map { label in
            String(
                format: "%d: %.0f %.0f %@", label + 1, mean(alone[label]), mean(together[label]),
                isAdapted ? "" : profiles[label].route.rawValue)
        }
        print(
            URL(filePath: folder).lastPathComponent, "seed \(seed) | \(name)",
            String(
                format: "| alone %.1f together %.1f |", shown.reduce(0) { $0 + mean(alone[$1]) } / Double(shown.count),
                shown.reduce(0) { $0 + mean(together[$1]) } / Double(shown.count)),
            each.joined(separator: "  "))
        fflush(nil)
    }
}
