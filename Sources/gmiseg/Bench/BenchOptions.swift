import ArgumentParser
import Foundation
import SegmentAnything
import Tensor

/// What every benchmark takes.
struct BenchOptions: ParsableArguments {
    @Option(help: "gmiseg-mini, sam-vit-b, sam-vit-l, sam-vit-h, or a model file.")
    var model = "gmiseg-mini"

    @Flag(help: "Random weights: no file is needed, and the speed is the same.")
    var randomWeights = false

    @OptionGroup var threads: ThreadsOption

    @Option(help: "Rounds that are counted, after one that is not.")
    var rounds = 7

    @Flag(help: "Print one line of JSON.")
    var json = false

    /// Set by the process that made the weights for the one that measures with them: they are random, though in a file.
    @Flag(help: .hidden)
    var weightsAreRandom = false

    func validate() throws {
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds must be 1 to 10000.") }
    }

    /// The model to measure; sets the number of threads on the way.
    func loadModel() throws -> SegmentAnythingModel {
        threads.apply()
        return try SegmentAnythingModel(path: path())
    }

    /// The file of the model that `model` names.
    func path() throws -> String {
        if let path = Installation().model(named: model), FileManager.default.fileExists(atPath: path) { return path }
        throw ValidationError("no file for the model \(model): give its path, or --random-weights")
    }

    /// The size to make at random.
    func configuration() throws -> Configuration {
        switch model {
        case "sam-vit-b": .vitB
        case "sam-vit-l": .vitL
        case "sam-vit-h": .vitH
        // The embedded model's shape is in its file.
        default: try SegmentAnythingModel(path: path()).configuration
        }
    }

    func report(
        _ bench: String, _ model: SegmentAnythingModel, precision: Precision = .f32, prompts: Int? = nil,
        _ samples: [Double]
    ) throws {
        report(
            Measurement(
                bench: bench, model: model.name, precision: precision, threads: Threads.count, samples: samples,
                randomWeights: weightsAreRandom, prompts: prompts))
    }

    func report(_ measurement: some BenchReport) {
        print(json ? measurement.json : measurement.sentence)
    }
}

/// A measurement in both of its forms.
protocol BenchReport: Encodable {
    /// One line for people.
    var sentence: String { get }
}

extension BenchReport {
    /// One line of JSON, keys sorted.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a measurement that is no JSON") }
        return String(decoding: data, as: UTF8.self)
    }
}
