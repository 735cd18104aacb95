import Adaptation
import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct TrainerTests {
    static let examples = discs(3)

    static func train(_ settings: AdaptationSettings) throws -> TrainedAdapter {
        try Trainer(model: tinyModel, examples: examples, settings: settings).run()
    }

    /// The mean loss on the examples as they are, with prompts that are the same at each call.
    static func loss(_ adjustment: Adjustment) -> Double {
        let (encoder, decoder) = (
            ImageEncoder(tinyModel, adjustment: adjustment), MaskDecoder(tinyModel, adjustment: adjustment)
        )
        let losses = examples.flatMap { example -> [Double] in
            let image = Preprocessor(side: tinyModel.configuration.imageSize)(example.image)
            let embedding = encoder(Value(image.pixels))
            let target = MaskTarget(example.mask, geometry: image.geometry, side: tinyModel.configuration.logitsSide)
            guard let simulator = PromptSimulator(mask: example.mask) else { return [] }
            var generator = SeededRandom(seed: 1)
            return PromptKind.allCases.map { kind in
                let prompt = simulator.prompt(kind, using: &generator)
                let (logits, iou) = decoder(embedding, PromptEncoder(tinyModel)([prompt], geometry: image.geometry))
                return Double(MaskLoss()(logits: logits, quality: iou, target: target).tensor.elements[0])
            }
        }
        return losses.reduce(0, +) / Double(losses.count)
    }

    @Test(arguments: AdapterKind.allCases) func theLossFalls(_ kind: AdapterKind) throws {
        var settings = quick(kind, steps: 60)
        settings.imagesPerStep = 3
        settings.augmentedViews = 1
        settings.learningRate = 0.05
        let (before, after) = (Self.loss(.none), Self.loss(try Self.train(settings).adapter.adjustment))
        // The frozen random decoder of a random model hears little of its encoder, so LoRA alone can move it little. The
        // prompts are the same before and after: a small difference is a difference.
        #expect(after < before * (kind == .lora || kind == .pooled ? 0.995 : 0.97), "\(before) → \(after)")
    }

    @Test(arguments: AdapterKind.allCases) func equalSeedsGiveEqualBytes(_ kind: AdapterKind) throws {
        let first = try Self.train(quick(kind))
        let second = try Self.train(quick(kind))
        #expect(first.adapter.sha256 == second.adapter.sha256)
        #expect(first.losses == second.losses)
        #expect(try Self.train(quick(kind, seed: 2)).adapter.sha256 != first.adapter.sha256)
    }

    @Test(arguments: AdapterKind.allCases) func theCacheChangesNoBit(_ kind: AdapterKind) throws {
        var settings = quick(kind, steps: 8)
        settings.augmentedViews = 2
        let cached = try Self.train(settings)
        settings.cacheBytes = 0
        #expect(try Self.train(settings).adapter.sha256 == cached.adapter.sha256)
    }

    /// Prompts side by side or one after the other.
    @Test(arguments: AdapterKind.allCases) func theNumberOfThreadsChangesNoBit(_ kind: AdapterKind) throws {
        let before = Threads.count
        defer { Threads.count = before }
        Threads.count = 1
        let one = try Self.train(quick(kind, steps: 3)).adapter.sha256
        Threads.count = 3
        #expect(try Self.train(quick(kind, steps: 3)).adapter.sha256 == one)
    }

    @Test func lastBlocksLeaveTheEarlierOnesAlone() throws {
        var settings = quick(.lora)
        settings.lastBlocks = 1
        let adjustment = try Self.train(settings).adapter.adjustment
        let depth = tinyModel.configuration.depth
        #expect(Set(adjustment.lowRank.keys) == [depth - 1])
    }

    @Test(arguments: AdapterKind.allCases) func allTensorsTrain(_ kind: AdapterKind) throws {
        let layout = AdapterLayout(kind: kind, rank: 4, lastBlocks: nil, model: tinyModel)
        let settings = quick(kind, steps: 3)
        let start = layout.start(model: tinyModel, seed: settings.seed)
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try Self.train(settings).adapter.write(to: path)
        let file = try SafetensorsFile(path: path)
        let unmoved = try zip(layout.entries, start).filter { entry, tensor in
            try file.tensor(entry.name).elements == tensor.elements
        }
        #expect(unmoved.map(\.0.name) == [])
    }

    @Test func progressCountsStepsAndCancels() throws {
        let trainer = try Trainer(model: tinyModel, examples: Self.examples, settings: quick(.decoder))
        var told: [TrainingProgress] = []
        _ = try trainer.run(progress: { progress in
            told.append(progress)
            return true
        })
        #expect(told.map(\.step) == Array(1...6))
        #expect(told.allSatisfy { $0.steps == 6 && $0.loss.isFinite && $0.elapsed > .zero })
        #expect(told.last?.fraction == 1 && told.last?.remaining == .zero)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.elapsed < $1.elapsed })

        #expect(throws: AdaptationError.cancelled(step: 2)) { try trainer.run(progress: { $0.step < 2 }) }
    }

    @Test func cancellingDoesNotWaitForTheEndOfAStep() throws {
        let trainer = try Trainer(model: tinyModel, examples: Self.examples, settings: quick(.loraDecoder))
        var questions = 0
        #expect(throws: AdaptationError.cancelled(step: 0)) {
            try trainer.run(isCancelled: {
                questions += 1
                return questions > 2
            })
        }
    }

    @Test(arguments: AdapterKind.allCases) func aResumedRunEndsInTheSameBytes(_ kind: AdapterKind) throws {
        let trainer = try Trainer(model: tinyModel, examples: Self.examples, settings: quick(kind, steps: 7))
        let directory = try TemporaryDirectory()
        var written: [Int] = []
        let whole = try trainer.run(
            checkpointEvery: 3,
            checkpoint: { checkpoint in
                written.append(checkpoint.step)
                try checkpoint.write(to: directory.file("\(checkpoint.step)"))
            })
        #expect(written == [3, 6])
        for step in written {
            var steps: [Int] = []
            let checkpoint = try TrainerCheckpoint(path: directory.file("\(step)"))
            let resumed = try trainer.run(
                resuming: checkpoint,
                progress: { progress in
                    steps.append(progress.step)
                    return true
                })
            #expect(steps == Array(step + 1...7))
            #expect(resumed.adapter.sha256 == whole.adapter.sha256)
            #expect(resumed.losses == whole.losses)
        }
    }

    @Test func whatTheCheckpointHookThrowsEndsTheRun() throws {
        struct DiskFull: Error {}
        let trainer = try Trainer(model: tinyModel, examples: Self.examples, settings: quick(.decoder))
        #expect(throws: DiskFull.self) { try trainer.run(checkpointEvery: 2, checkpoint: { _ in throw DiskFull() }) }
    }

    @Test func aCheckpointOfAnotherRunIsRefused() throws {
        let checkpoint = try Self.checkpoint(quick(.decoder), step: 2)
        func field(_ model: SegmentAnythingModel, _ examples: [Example], _ settings: AdaptationSettings) -> String? {
            do {
                let trainer = try Trainer(model: model, examples: examples, settings: settings)
                _ = try trainer.run(resuming: checkpoint)
                return nil
            } catch AdaptationError.checkpointMismatch(let field, _, _) {
                return field
            } catch {
                return "\(error)"
            }
        }
        let other = SegmentAnythingModel(configuration: .tiny, randomSeed: 4)
        #expect(field(other, Self.examples, quick(.decoder)) == "base model")
        #expect(field(tinyModel, discs(3, seed: 8), quick(.decoder)) == "support set")
        #expect(field(tinyModel, Self.examples, quick(.decoder, steps: 9)) == "settings")
        #expect(field(tinyModel, Self.examples, quick(.lora)) == "settings")
        // Room for encodings is no part of the recipe.
        var roomier = quick(.decoder)
        roomier.cacheBytes += 1
        #expect(field(tinyModel, Self.examples, roomier) == nil)
    }

    @Test func aLossThatIsNotFiniteEndsTheRun() throws {
        let settings = quick(.decoder)
        let directory = try TemporaryDirectory()
        let (good, bad) = (directory.file("good"), directory.file("bad"))
        try Self.checkpoint(settings, step: 2).write(to: good)
        let file = try SafetensorsFile(path: good)
        // Finite weights, but so large that the first product overflows.
        let tensors = try file.names.map { name in
            let tensor = try file.tensor(name)
            let isWeight = name.hasPrefix("parameter/") && name.hasSuffix(".weight")
            return (name: name, tensor: isWeight ? Tensor(filled: 3e38, shape: tensor.shape) : tensor)
        }
        try Safetensors.write(tensors, metadata: file.metadata, to: bad, as: .float32)
        let trainer = try Trainer(model: tinyModel, examples: Self.examples, settings: settings)
        let error = #expect(throws: AdaptationError.self) {
            try trainer.run(resuming: TrainerCheckpoint(path: bad))
        }
        guard case .nonFinite(step: 3, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func damagedCheckpointsAreRefused() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("checkpoint")
        #expect(throws: AdapterError.self) { try TrainerCheckpoint(path: directory.file("nowhere")) }
        try Safetensors.write(
            [(name: "losses", tensor: Tensor(zeros: [2]))], metadata: ["step": "2"], to: path, as: .float32)
        let error = #expect(throws: AdapterError.self) { try TrainerCheckpoint(path: path) }
        guard case .notACheckpoint = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    static func checkpoint(_ settings: AdaptationSettings, step: Int) throws -> TrainerCheckpoint {
        var found: TrainerCheckpoint?
        _ = try Trainer(model: tinyModel, examples: examples, settings: settings)
            .run(checkpointEvery: step, checkpoint: { if found == nil { found = $0 } })
        return try #require(found)
    }

    @Test func badSupportSetsAreRefusedByTheirExample() {
        let good = Self.examples[0]
        func error(_ examples: [Example]) -> AdaptationError? {
            #expect(throws: AdaptationError.self) {
                try Trainer(model: tinyModel, examples: examples, settings: quick(.decoder))
            }
        }
        #expect(error([]) == .noExamples)
        let small = Mask(width: 2, height: 3, pixels: [1, 1, 1, 1, 1, 1])
        #expect(
            error([good, Example(image: good.image, mask: small)])
                == .sizeMismatch(
                    example: 1, image: Extent(width: 40, height: 32), mask: Extent(width: 2, height: 3)))
        #expect(error([Example(image: good.image, mask: Mask(empty: 40, height: 32)), good]) == .emptyMask(example: 0))
    }

    @Test func badSettingsAreRefusedBeforeAnyWork() {
        var settings = quick(.decoder)
        settings.steps = 0
        let error = #expect(throws: SettingsError.self) {
            try Trainer(model: tinyModel, examples: Self.examples, settings: settings)
        }
        #expect(error?.field == "adaptation.steps")
    }
}
