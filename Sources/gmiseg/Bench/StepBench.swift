import Adaptation
import ArgumentParser
import SegmentAnything

/// One LoRA training step: forward, backward through every block, update.
struct StepBench: Bench {
    static let configuration = CommandConfiguration(
        commandName: "step", abstract: "One adaptation step (one image, LoRA of rank 4 in every block).")
    @OptionGroup var options: BenchOptions
    @Option(help: "lora, decoder, lora+decoder or pooled.")
    var kind = AdapterKind.lora

    @Option(help: "What the image is prompted with: all (none, box, point, points, as a job does) or one of them.")
    var prompts = StepPrompts.all

    func measure() throws {
        let model = try options.loadModel()
        let sample = BenchImage(side: model.configuration.imageSize)
        var settings = AdaptationSettings(kind: kind)
        settings.imagesPerStep = 1
        settings.augmentedViews = 1
        settings.steps = options.rounds + 1
        let trainer = try Trainer(
            model: model, examples: [Example(image: sample.image, mask: sample.object)], settings: settings,
            prompts: prompts.kinds)
        // The first step also encodes what is frozen and packs weights; the trainer's own steps are what is timed.
        var finished: [Double] = []
        _ = try trainer.run(progress: { progress in
            finished.append(progress.elapsed / .seconds(1))
            return true
        })
        try options.report(
            "step", model, prompts: prompts.kinds.count, zip(finished.dropFirst(), finished).map { $0 - $1 })
    }
}

/// The prompts of a step that is measured.
enum StepPrompts: ExpressibleByArgument {
    case all
    case one(PromptKind)

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else if let kind = PromptKind(rawValue: argument) {
            self = .one(kind)
        } else {
            return nil
        }
    }

    var kinds: [PromptKind] {
        switch self {
        case .all: PromptKind.allCases
        case .one(let kind): [kind]
        }
    }

    var defaultValueDescription: String { "all" }
}

extension AdapterKind: ExpressibleByArgument {}
