import Adaptation
import ArgumentParser
import Basics
import Foundation
import Imaging
import SegmentAnything
import Tensor

/// `gmiseg bench`: how fast the engine is here.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine on this machine.",
        discussion: "Speeds drift on a shared machine: compare medians, taken in one run.",
        subcommands: [Encoder.self, Click.self, Step.self])

    /// What every benchmark takes.
    struct Options: ParsableArguments {
        @Option(help: "gmiseg-mini, sam-vit-b, sam-vit-l, sam-vit-h, or a .safetensors file.")
        var model = "gmiseg-mini"

        @Flag(help: "Random weights: no file is needed, and the speed is the same.")
        var randomWeights = false

        @Option(help: "What the encoder computes in: f32 or int8 (encoder alone).")
        var precision = Precision.f32

        @Option(help: "Threads; 0 means one a core.")
        var threads = 0

        @Option(help: "Rounds that are counted, after one that is not.")
        var rounds = 7

        @Flag(help: "Print one line of JSON.")
        var json = false

        func validate() throws {
            guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024.") }
            guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds must be 1 to 10000.") }
        }

        /// The model to measure; sets the number of threads on the way.
        func loadModel() throws -> SegmentAnythingModel {
            if threads > 0 { Threads.count = threads }
            guard randomWeights else { return try SegmentAnythingModel(path: path()) }
            let configuration: Configuration =
                switch model {
                case "sam-vit-b": .vitB
                case "sam-vit-l": .vitL
                case "sam-vit-h": .vitH
                // The embedded model's shape is in its file.
                default: try SegmentAnythingModel(path: path()).configuration
                }
            return SegmentAnythingModel(configuration: configuration, randomSeed: 0)
        }

        private func path() throws -> String {
            if let path = Installation().model(named: model), FileManager.default.fileExists(atPath: path) {
                return path
            }
            throw ValidationError("no file for the model \(model): give its path, or --random-weights")
        }

        func report(_ bench: String, _ model: SegmentAnythingModel, _ samples: [Double]) throws {
            let measurement = Measurement(
                bench: bench, model: model.name, precision: precision.rawValue, threads: Threads.count,
                samples: samples,
                randomWeights: randomWeights)
            print(json ? try measurement.json : measurement.sentence)
        }
    }

    /// An image at the model's own size, with structure at several scales, and an object in the middle.
    static func sample(side: Int) -> (image: RGBImage, object: Mask) {
        var pixels = [UInt8](repeating: 0, count: side * side * 3)
        var object = [UInt8](repeating: 0, count: side * side)
        var random = SeededRandom(seed: 1)
        for y in 0..<side {
            for x in 0..<side {
                let (dx, dy) = (x - side / 2, y - side / 2)
                let inside = dx * dx + dy * dy < side * side / 25
                object[y * side + x] = inside ? 1 : 0
                let value = (inside ? 150 : 60) + (x ^ y) % 40 + random.index(below: 24)
                for channel in 0..<3 { pixels[(y * side + x) * 3 + channel] = UInt8(min(value, 255)) }
            }
        }
        return (
            RGBImage(width: side, height: side, pixels: pixels), Mask(width: side, height: side, pixels: object)
        )
    }
}

extension BenchCommand {
    /// One image through the image encoder, resizing and normalisation included.
    struct Encoder: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Image to embedding.")
        @OptionGroup var options: Options

        func run() throws {
            let model = try options.loadModel()
            let predictor = Predictor(model, precision: options.precision.prepared(from: model))
            let image = BenchCommand.sample(side: model.configuration.imageSize).image
            try options.report("encoder", model, timed(rounds: options.rounds) { _ = predictor.embed(image) })
        }
    }

    /// One box prompt on a known embedding, to a PNG mask of the image's size.
    struct Click: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Box prompt to PNG mask, embedding cached.")
        @OptionGroup var options: Options

        func run() throws {
            let model = try options.loadModel()
            let predictor = Predictor(model)
            let side = model.configuration.imageSize
            let embedding = predictor.embed(BenchCommand.sample(side: side).image)
            let (low, high) = (Float(side) * 0.28, Float(side) * 0.72)
            let prompt = Prompt(box: Prompt.Box(x0: low, y0: low, x1: high, y1: high))
            let samples = try timed(rounds: options.rounds * 4) {
                let masks = try predictor.segment(embedding, [prompt])
                for mask in masks { _ = PNG.encode(mask.mask()) }
            }
            try options.report("click", model, samples)
        }
    }

    /// One LoRA training step: forward, backward through every block, update.
    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One adaptation step (one image, LoRA of rank 4 in every block).")
        @OptionGroup var options: Options
        @Option(help: "lora, decoder or lora+decoder.")
        var kind = AdapterKind.lora

        func run() throws {
            let model = try options.loadModel()
            let (image, object) = BenchCommand.sample(side: model.configuration.imageSize)
            var settings = AdaptationSettings(kind: kind)
            settings.imagesPerStep = 1
            settings.augmentedViews = 1
            settings.steps = options.rounds + 1
            let trainer = try Trainer(
                model: model, examples: [Example(image: image, mask: object)], settings: settings)
            // The first step also encodes what is frozen and packs weights; the trainer's own steps are what is timed.
            var finished: [Double] = []
            _ = try trainer.run(progress: { progress in
                finished.append(progress.elapsed / .seconds(1))
                return true
            })
            try options.report("step", model, zip(finished.dropFirst(), finished).map { $0 - $1 })
        }
    }
}

extension AdapterKind: ExpressibleByArgument {}
