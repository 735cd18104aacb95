import Adaptation
import ArgumentParser
import Evaluation
import Foundation
import SegmentAnything

/// `gmiseg evaluate`.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model, and adapters made from it, on labelled images of your own.",
        discussion: """
            Each dataset is a folder with images/ and masks/ whose files have the same stems; masks are PNG with integer \
            labels, 0 background. Beside them may lie spacing.json ({"stem": [x_mm, y_mm]}) and SOURCE.json (modality, \
            names of labels). Writes results.csv, summary.csv, summary.json and report.html; docs/evaluation.md defines \
            every figure. An interrupted run goes on where it stopped when it is given the same output folder.

            Exit status: 0 all done; 3 all done, but files or settings were left out (the report lists them); 4 stopped \
            before the end by --time-budget or Ctrl-C (the report covers what is done); 1 and 64 for errors.
            """)

    @Argument(help: "The folder of datasets, or one dataset.")
    var folder: String

    @Option(name: .shortAndLong, help: "The folder for results.")
    var output = "evaluation"

    @Option(help: "Model file, or the name of one in models/ (environment: GMISEG_MODEL; default: gmiseg-mini).")
    var model: String?

    @Option(help: "Support sizes; 0 is the base model.")
    var support = "0"

    @Option(help: "Random support sets of each size.")
    var seeds = 1

    @Option(help: "Prompts: \(PromptStyle.allCases.map(\.rawValue).joined(separator: ", ")).")
    var prompts = PromptStyle.standard.map(\.rawValue).joined(separator: ",")

    @Option(help: "Adapters: \(AdapterKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var adapters = AdapterKind.loraDecoder.rawValue

    @Option(help: "Steps of each adaptation (default: the recipe's).")
    var steps: Int?

    @Option(
        name: .customLong("learning-rate"), help: "Peak learning rate of the low-rank factors (default: the recipe's).")
    var learningRate: Float?

    @Option(
        name: .customLong("decoder-learning-rate"),
        help: "Peak learning rate of the mask decoder's weights (default: the recipe's).")
    var decoderLearningRate: Float?

    @Option(help: "Rank of the low-rank factors (default: the recipe's).")
    var rank: Int?

    @Option(help: "Which datasets, by the names of their folders, with commas between (default: all).")
    var datasets: String?

    @Option(help: "each: every label is a task; merge: all labels are one; or labels, 1,2.")
    var labels = "each"

    @Option(name: .customLong("min-pixels"), help: "Leave out smaller targets.")
    var minimumPixels = 20

    @Option(help: "Datasets whose masks number objects instead of naming what they are.")
    var instances: String?

    @Option(name: .customLong("objects"), help: "Objects tested in each image of such datasets, at most.")
    var objectsPerImage = 3

    @Option(help: "Images tested in each dataset, at most, drawn by the seed (default: all).")
    var images: Int?

    @Option(
        name: .customLong("patient-pattern"),
        help: "Regular expression whose first group is the patient in a stem: support and test images then share none.")
    var patientPattern: String?

    @Flag(help: "Measure prompts as masks (ellipse, box, disc, whole image) and the limit of the mask grid as well.")
    var baselines = false

    @Flag(help: "Segment the mirror image as well and average, as segment requests with flips=true do.")
    var flips = false

    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 0

    @OptionGroup var threads: ThreadsOption

    @Option(name: .customLong("time-budget"), help: "Stop after this many minutes; the same command goes on later.")
    var timeBudget: Double?

    func validate() throws {
        _ = try settings()
        if let timeBudget, !(timeBudget > 0 && timeBudget < 1e6) {
            throw ValidationError("--time-budget must be a number of minutes above 0")
        }
    }

    func run() throws {
        threads.apply()
        let model = try SegmentAnythingModel(path: Installation().requireModel(named: model))
        try evaluate(self, model: model, settings: try settings())
    }

    /// The options as settings, each checked.
    private func settings() throws -> EvaluationSettings {
        var settings = EvaluationSettings()
        let sizes = try Self.list(support, "--support", of: "the numbers from 0 to 4096") { text in
            Int(text).flatMap { (0...4_096).contains($0) ? $0 : nil }
        }
        settings.supportSizes = Array(Set(sizes)).sorted()
        settings.prompts = Self.unique(try Self.choices(prompts, "--prompts"))
        settings.adapters = Self.unique(try Self.choices(adapters, "--adapters"))
        guard let choice = LabelChoice(labels) else {
            throw ValidationError("--labels must be each, merge, or label numbers with commas between")
        }
        settings.labels = choice
        try Self.require(seeds, 1...1_000, "--seeds")
        try Self.require(minimumPixels, 1...1_000_000, "--min-pixels")
        try Self.require(objectsPerImage, 1...10_000, "--objects")
        if let images { try Self.require(images, 1...10_000_000, "--images") }
        if let steps { try Self.require(steps, 1...10_000, "--steps") }
        for (rate, option) in [(learningRate, "--learning-rate"), (decoderLearningRate, "--decoder-learning-rate")] {
            guard let rate, !(rate > 0 && rate <= 1) else { continue }
            throw ValidationError("\(option) must be a number above 0 and at most 1")
        }
        if let rank { try Self.require(rank, AdaptationSettings.ranks, "--rank") }
        if let patientPattern, !PatientPattern.isValid(patientPattern) {
            throw ValidationError("--patient-pattern must be a regular expression with a group, as in '^(case[0-9]+)'")
        }
        settings.supportSeeds = seeds
        settings.minimumPixels = minimumPixels
        settings.objectsPerImage = objectsPerImage
        settings.imageLimit = images
        settings.steps = steps
        settings.learningRate = learningRate
        settings.decoderLearningRate = decoderLearningRate
        settings.rank = rank
        settings.patientPattern = patientPattern
        settings.baselines = baselines
        settings.flips = flips
        settings.seed = seed
        return settings
    }

    /// Names with commas between; nil when the option was not given.
    static func names(_ text: String?) -> [String]? {
        text?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func choices<Choice: CaseIterable & RawRepresentable>(
        _ text: String, _ option: String
    ) throws -> [Choice] where Choice.RawValue == String {
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return try list(text, option, of: known) { Choice(rawValue: $0) }
    }

    /// - Parameter known: The values that there are, for the complaint about one that is none.
    private static func list<Element>(
        _ text: String, _ option: String, of known: String, _ read: (String) -> Element?
    ) throws -> [Element] {
        let names = names(text) ?? []
        let elements = try names.map { name in
            guard let element = read(name) else {
                throw ValidationError("\(option): \"\(name)\" is none of \(known)")
            }
            return element
        }
        guard !elements.isEmpty else { throw ValidationError("\(option) is empty") }
        return elements
    }

    private static func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }

    private static func require(_ value: Int, _ range: ClosedRange<Int>, _ option: String) throws {
        guard range.contains(value) else {
            throw ValidationError("\(option) must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
