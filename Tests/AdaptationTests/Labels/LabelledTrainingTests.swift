import Adaptation
import Basics
import Foundation
import Imaging
import Metrics
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Bright discs in darker rings: label 0 is the disc, label 1 the ring. `bare` examples show no ring.
func targets(_ count: Int, bare: Set<Int> = [], width: Int = 40, height: Int = 32) -> [Example] {
    var generator = SeededRandom(seed: 5)
    return (0..<count).map { index in
        let (x0, y0) = (14 + generator.index(below: 12), 13 + generator.index(below: 6))
        let (inner, outer) = (5 + generator.index(below: 2), 10 + generator.index(below: 2))
        var grey = [UInt8](repeating: 0, count: width * height)
        var labels = grey
        for y in 0..<height {
            for x in 0..<width {
                let distance = (x - x0) * (x - x0) + (y - y0) * (y - y0)
                let label: UInt8 =
                    distance <= inner * inner ? 1 : distance <= outer * outer && !bare.contains(index) ? 2 : 0
                grey[y * width + x] = UInt8([40, 200, 120][Int(label)] + generator.index(below: 15))
                labels[y * width + x] = label
            }
        }
        return Example(
            image: RGBImage(width: width, height: height, grey: grey),
            labels: LabelImage(width: width, height: height, pixels: labels))
    }
}

@Suite struct LabelledTrainingTests {
    static let names = AdapterLabels(names: ["disc", "ring"], values: [1, 2])

    private static func train(_ settings: AdaptationSettings, _ examples: [Example] = targets(3)) throws -> Adapter {
        try Trainer(model: tinyModel, examples: examples, settings: settings, taskName: "targets", labels: names)
            .run().adapter
    }

    /// Each label's mean loss without a prompt.
    private static func losses(_ adjustments: [Adjustment]) -> [Double] {
        (0..<2).map { label in
            let adjustment = adjustments[min(label, adjustments.count - 1)]
            let decoder = MaskDecoder(tinyModel, adjustment: adjustment)
            let encoder = ImageEncoder(tinyModel, adjustment: adjustment)
            let promptEncoder = PromptEncoder(tinyModel, adjustment: adjustment)
            let losses = targets(3).map { example -> Double in
                let image = Preprocessor(side: tinyModel.configuration.imageSize)(example.image)
                let target = MaskTarget(
                    example.labels.mask(label), geometry: image.geometry, side: tinyModel.configuration.logitsSide)
                let (logits, iou) = decoder(
                    encoder(Value(image.pixels)), promptEncoder([.none], geometry: image.geometry))
                return Double(MaskLoss()(logits: logits, quality: iou, target: target).tensor.elements[0])
            }
            return losses.reduce(0, +) / Double(losses.count)
        }
    }

    @Test(arguments: AdapterKind.allCases) func everyLabelLearnsADefaultPrompt(_ kind: AdapterKind) throws {
        var settings = quick(kind, steps: 90)
        settings.imagesPerStep = 3
        settings.augmentedViews = 1
        settings.learningRate = 0.05
        let (before, after) = (Self.losses([.none]), Self.losses(try Self.train(settings).adjustments))
        // A frozen random decoder hears little of its encoder, and of one token.
        let share = kind.trainsDecoder ? 0.97 : 0.995
        for label in 0..<2 { #expect(after[label] < before[label] * share, "\(label): \(before) → \(after)") }
    }

    /// A step of one image moves the rows of the label that it trains, and sometimes those of one that the image lacks.
    @Test func aLabelLearnsThatItMayBeMissing() throws {
        func movedRows(_ examples: [Example], seed: UInt64) throws -> Set<Int> {
            var settings = quick(.decoder, steps: 1)
            (settings.imagesPerStep, settings.seed) = (1, seed)
            let directory = try TemporaryDirectory()
            let path = directory.file("adapter.safetensors")
            try Self.train(settings, examples).write(to: path)
            let file = try SafetensorsFile(path: path)
            let layout = AdapterLayout(kind: .decoder, rank: 4, lastBlocks: nil, labelCount: 2, model: tinyModel)
            let index = try #require(layout.entries.firstIndex { $0.role == .labels })
            let start = layout.start(model: tinyModel, seed: seed)[index].elements
            let end = try file.tensor(layout.entries[index].name).elements
            let channels = tinyModel.configuration.embeddingChannels
            return Set(start.indices.filter { start[$0] != end[$0] }.map { $0 / channels })
        }
        let bare = try (0..<24).map { try movedRows(targets(2, bare: [1]), seed: $0) }
        #expect(bare.contains([0]) && bare.contains([1]) && bare.contains([0, 1]))
        let full = try (0..<24).map { try movedRows(targets(2), seed: $0) }
        #expect(full.allSatisfy { $0.count == 1 })
    }

    @Test func theLabelsOfAnAdapterGiveDifferentMasks() throws {
        var settings = quick(.decoder, steps: 60)
        settings.learningRate = 0.05
        let adapter = try Self.train(settings)
        let predictor = LabelledPredictor(tinyModel, adjustments: adapter.adjustments)
        let embedding = predictor.embed(targets(1)[0].image)
        for prompt in [Prompt.none, Prompt(box: Prompt.Box(x0: 4, y0: 4, x1: 30, y1: 28))] {
            let logits = try (0..<2).map {
                try predictor[$0].predict(embedding, [prompt])[0][0].lowResolutionLogits.elements
            }
            #expect(logits[0] != logits[1])
        }
    }

    /// What is told apart is stored apart; nothing else is.
    @Test(arguments: AdapterKind.allCases) func rowsForLabelsAreAllThatIsAdded(_ kind: AdapterKind) throws {
        let one = AdapterLayout(kind: kind, rank: 4, lastBlocks: nil, model: tinyModel)
        let two = AdapterLayout(kind: kind, rank: 4, lastBlocks: nil, labelCount: 2, model: tinyModel)
        #expect(two.entries.prefix(one.entries.count).elementsEqual(one.entries))
        let channels = tinyModel.configuration.embeddingChannels
        #expect(two.entries.dropFirst(one.entries.count).map(\.shape) == [[2, channels], [2, channels]])
        // At the start every label is the base model.
        let start = two.start(model: tinyModel, seed: 1).map { Value($0) }
        let image = targets(1)[0].image
        let base = Predictor(tinyModel)
        let expected = try base.predict(base.embed(image), [.none])[0][0].lowResolutionLogits.elements
        for label in 0..<2 {
            let adjustment = two.adjustment(start, scale: 1, label: label)
            let predictor = Predictor(tinyModel, adjustment: adjustment)
            let found = try predictor.predict(predictor.embed(image), [.none])[0][0].lowResolutionLogits.elements
            #expect(found == expected)
        }
    }

    /// The rows of the label that is trained on have the gradient of finite differences, those of the other none.
    @Test func gradientsOfRowsMatchFiniteDifferences() throws {
        let layout = AdapterLayout(kind: .lora, rank: 1, lastBlocks: nil, labelCount: 2, model: tinyModel)
        let start = layout.start(model: tinyModel, seed: 1)
        let example = targets(1)[0]
        let image = Preprocessor(side: tinyModel.configuration.imageSize)(example.image)
        let embedding = ImageEncoder(tinyModel)(Value(image.pixels))
        let target = MaskTarget(
            example.labels.mask(1), geometry: image.geometry, side: tinyModel.configuration.logitsSide)
        func loss(_ values: [Value]) -> Value {
            let adjustment = layout.adjustment(values, scale: 1, label: 1)
            let prompts = PromptEncoder(tinyModel, adjustment: adjustment)([.none], geometry: image.geometry)
            let (logits, iou) = MaskDecoder(tinyModel, adjustment: adjustment)(embedding, prompts)
            return MaskLoss()(logits: logits, quality: iou, target: target)
        }
        let parameters = start.map(Value.parameter)
        let rows = layout.entries.indices.filter { layout.entries[$0].role == .labels }
        #expect(rows.count == 2)
        let found = gradients(of: loss(parameters), for: rows.map { parameters[$0] })
        let channels = tinyModel.configuration.embeddingChannels
        for (row, gradient) in zip(rows, found) {
            #expect(gradient.elements[..<channels].allSatisfy { $0 == 0 })
            for channel in [0, 3, channels - 1] {
                func moved(_ step: Float) -> Double {
                    var values = start
                    var elements = values[row].elements
                    elements[channels + channel] += step
                    values[row] = Tensor(shape: values[row].shape, elements)
                    return Double(loss(values.map { Value($0) }).tensor.elements[0])
                }
                let numeric = (moved(1e-2) - moved(-1e-2)) / 2e-2
                let analytic = Double(gradient.elements[channels + channel])
                #expect(abs(numeric - analytic) < 2e-3 * max(1e-1, abs(numeric)), "\(numeric) \(analytic)")
            }
        }
    }

    @Test func comesBackFromItsFile() throws {
        let adapter = try Self.train(quick(.decoder, steps: 2))
        #expect(adapter.card.labels == ["disc", "ring"] && adapter.card.labelValues == [1, 2])
        let directory = try TemporaryDirectory()
        let path = directory.file("adapter.safetensors")
        try adapter.write(to: path)
        let loaded = try Adapter.load(path: path, for: tinyModel)
        #expect(loaded.card == adapter.card && loaded.sha256 == adapter.sha256 && loaded.adjustments.count == 2)
        // Runs of equal seeds are equal, and a lone label needs no numbers.
        #expect(try Self.train(quick(.decoder, steps: 2)).sha256 == adapter.sha256)
        #expect(AdapterLabels(name: "disc").values == nil && AdapterLabels.unnamed.count == 1)
    }

    @Test(arguments: [
        (#""label_values":[1,2]"#, #""label_values":[2,1]"#), (#""label_values":[1,2]"#, #""label_values":[1]"#),
        (#""label_values":[1,2]"#, #""label_values":[0,2]"#), (#""label_values":[1,2]"#, #""label_values":[1,256]"#),
        (#"["disc","ring"]"#, #"["disc"]"#),
    ]) func refusesACardThatContradictsItself(_ change: (String, String)) throws {
        let directory = try TemporaryDirectory()
        let (path, damaged) = (directory.file("adapter.safetensors"), directory.file("damaged.safetensors"))
        try Self.train(quick(.lora, steps: 1)).write(to: path)
        let file = try SafetensorsFile(path: path)
        let card = try #require(file.metadata[AdapterTests.cardKey])
        #expect(card.contains(change.0))
        try Safetensors.write(
            try file.names.map { (name: $0, tensor: try file.tensor($0)) },
            metadata: [
                "format": "pt", AdapterTests.cardKey: card.replacingOccurrences(of: change.0, with: change.1),
            ], to: damaged, as: .float32)
        #expect(
            throws: AdapterError.notAnAdapter(reason: "on its card labels and label_values do not fit together")
        ) { try Adapter.load(path: damaged, for: tinyModel) }
    }

    @Test func aResumedRunEndsTheSame() throws {
        let settings = quick(.decoder, steps: 6)
        let trainer = try Trainer(model: tinyModel, examples: targets(3), settings: settings, labels: Self.names)
        var checkpoints: [TrainerCheckpoint] = []
        let whole = try trainer.run(checkpointEvery: 3, checkpoint: { checkpoints.append($0) })
        #expect(checkpoints.map(\.step) == [3])
        let resumed = try trainer.run(resuming: checkpoints.first)
        #expect(resumed.adapter.sha256 == whole.adapter.sha256)
    }
}

@Suite struct AbsentLabelTests {
    /// How often each label is drawn for an example.
    private static func shares(_ labels: AbsentLabels, _ example: Int) -> [Int?: Double] {
        var (generator, counts) = (SeededRandom(seed: 1), [Int?: Int]())
        for _ in 0..<4_000 { counts[labels.draw(example, using: &generator), default: 0] += 1 }
        return counts.mapValues { Double($0) / 4_000 }
    }

    @Test func whatAllExamplesShowIsNeverAskedForElsewhere() {
        #expect(Self.shares(AbsentLabels(shown: [0: [0], 3: [0]], labelCount: 1), 3) == [nil: 1])
        // What none shows has nothing to be told apart from.
        #expect(Self.shares(AbsentLabels(shown: [0: [0], 3: [0]], labelCount: 2), 3) == [nil: 1])
        #expect(Self.shares(AbsentLabels(shown: [0: [0, 1], 1: [0]], labelCount: 2), 7) == [nil: 1])
    }

    /// In a round, half as often where it is missing as where it is.
    @Test func rareLabelsAreAskedForRarely() {
        let rare = AbsentLabels(shown: [0: [0, 1], 1: [0], 2: [0], 3: [0], 4: [0]], labelCount: 2)
        for example in 1...4 { #expect(abs((Self.shares(rare, example)[1] ?? 0) - 0.125) < 0.02) }
        #expect(Self.shares(rare, 0) == [nil: 1])
        let frequent = AbsentLabels(shown: [0: [0, 1], 1: [0, 1], 2: [0, 1], 3: [0]], labelCount: 2)
        #expect(Self.shares(frequent, 3) == [1: 1])
        // Of several one at a time.
        let two = Self.shares(AbsentLabels(shown: [0: [0, 1, 2], 1: [0]], labelCount: 3), 1)
        #expect(abs((two[1] ?? 0) - 0.375) < 0.03 && abs((two[2] ?? 0) - 0.375) < 0.03)
    }
}

@Suite struct LabelledFittingTests {
    private static func fitted(_ examples: [Example], margin: Double = 0) throws -> Fitted {
        var recipe = FittingTests.recipe(12)
        recipe.margin = margin
        let fitting = try Fitting(
            model: tinyModel, examples: examples,
            patients: PatientGroups(
                stems: examples.indices.map { "\($0)" }, given: examples.map { _ in nil }),
            recipe: recipe, labels: LabelledTrainingTests.names)
        return try fitting.run(speed: FittingTests.speed)
    }

    @Test func heldOutScoresAreKeptByLabel() throws {
        let fitted = try Self.fitted(targets(4, bare: [2]))
        let heldOut = try #require(fitted.heldOut)
        // Two labels on three images, and one on the image that shows no ring; box, two points and no prompt each.
        let shown = heldOut.base.filter(\.isShown)
        #expect(shown.count == 4 * 7 && heldOut.adapted.count { $0.isShown } == 4 * 7)
        #expect(Set(shown.filter { $0.label == 1 }.map(\.example)) == [0, 1, 3])
        // And whether the ring was found there all the same.
        for scores in [heldOut.base, heldOut.adapted] {
            let absent = scores.filter { !$0.isShown }
            #expect(absent.map(\.example) == [2] && absent.map(\.label) == [1] && absent.map(\.prompt) == [.none])
            #expect(absent.allSatisfy { $0.dice == 0 || $0.dice == 1 })
        }
        for isAdapted in [false, true] {
            let dice = (isAdapted ? heldOut.adapted : heldOut.base).first { !$0.isShown }?.dice
            #expect(heldOut.invented(1, adapted: isAdapted) == (1, dice == 0 ? 1 : 0))
            #expect(heldOut.invented(0, adapted: isAdapted) == (0, 0))
        }
        #expect(heldOut.base.map(\.label) == heldOut.adapted.map(\.label))
        for kind in HeldOutScorer.kinds {
            let all = try #require(heldOut.interval(.dice, kind, adapted: true))
            let own = try (0..<2).map { try #require(heldOut.interval(.dice, kind, label: $0, adapted: true)) }
            #expect(abs(all.mean - (own[0].mean * 4 + own[1].mean * 3) / 7) < 1e-9)
            #expect(heldOut.gain(kind, label: 1) != nil)
        }
        #expect(fitted.trained.adapter.adjustments.count == 2)
        // Twice the steps for twice the labels, where nobody said how many.
        #expect(fitted.settings.steps == 24)
    }

    /// A label that loses keeps the adapter out, whatever the others gain.
    @Test func theGateLetsNoLabelBuyAnothersHarm() throws {
        let base = Self.scores([0.5, 0.9])
        #expect(Self.gate(base, Self.scores([0.8, 0.95])).isServed)
        let traded = Self.gate(base, Self.scores([0.95, 0.7]))
        #expect(!traded.isServed)
        #expect(traded.verdicts.allSatisfy { $0.harmedLabels == [1] && $0.test.pValue < Gate.level })
        // Who sets the bar aside gets what was trained.
        #expect(Self.gate(base, Self.scores([0.95, 0.7]), margin: -1).isServed)
    }

    /// A label that no example shows is only looked for without a prompt: there is nothing to compare its boxes by.
    @Test func aLabelThatNoExampleShowsHarmsNothing() {
        func scores(_ dice: Double) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map { HeldOutScore(example: example, prompt: $0, dice: dice) }
                    + [HeldOutScore(example: example, label: 1, prompt: .none, isShown: false, dice: 1)]
            }
        }
        let gate = Self.gate(scores(0.5), scores(0.9))
        #expect(gate.isServed && gate.verdicts.allSatisfy(\.harmedLabels.isEmpty))
    }

    /// Boxes drawn with care may not pay for what hasty ones gain, beyond a point; other prompts have no such boxes.
    @Test(arguments: [(0.97, true), (0.961, true), (0.959, false), (0.5, false)])
    func careIsNotPunished(_ careful: Double, _ isServed: Bool) throws {
        func scores(_ dice: Double, _ careful: Double) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map {
                    HeldOutScore(example: example, prompt: $0, dice: dice, carefulDice: $0 == .box ? careful : nil)
                }
            }
        }
        let gate = Self.gate(scores(0.8, 0.97), scores(0.9, careful))
        for verdict in gate.verdicts {
            #expect(verdict.test.pValue < Gate.level)
            #expect(verdict.isServed == (isServed || verdict.prompt != .box))
            #expect((verdict.carefulGain == nil) == (verdict.prompt != .box))
        }
        #expect(try abs(#require(gate.verdicts[0].carefulGain) - (careful - 0.97)) < 1e-9)
        // Who sets the bar aside gets what was trained.
        let open = Self.gate(scores(0.8, 0.97), scores(0.9, careful), margin: -1)
        #expect(open.verdicts.allSatisfy { $0.isServed })
    }

    /// Where the support set answered for the base model, and worse than the model by itself, both are to be beaten.
    @Test(arguments: [(0.5, true), (0.85, true), (0.9, false), (0.95, false)])
    func theModelsOwnAnswerIsToBeBeatenToo(_ own: Double, _ isServed: Bool) throws {
        func scores(_ dice: Double, own: Double? = nil) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map {
                    // One fold of four went by the model's own answer: there it is the score itself.
                    let isOwn = example >= 6
                    return HeldOutScore(
                        example: example, prompt: $0, dice: isOwn && $0 == .none ? own ?? dice : dice,
                        ownDice: $0 == .none && !isOwn ? own : nil)
                }
            }
        }
        let gate = Self.gate(scores(0.7, own: own), scores(0.9))
        for verdict in gate.verdicts {
            #expect(verdict.test.pValue < Gate.level)
            #expect((verdict.ownTest == nil) == (verdict.prompt != .none))
            #expect(verdict.isServed == (isServed || verdict.prompt != .none), "\(verdict)")
        }
        #expect(try abs(#require(gate.verdicts.last?.ownTest).mean - (0.9 - own)) < 1e-9)
    }

    /// Of two that the support set taught, the adapter and the likeness, the better one on the mean answers; the model's own
    /// answer has to be beaten reliably.
    @Test(arguments: [
        (0.02, 0.3, 0, true), (0.004, 0.3, 0, false), (-0.02, 0.3, 0, false), (0.02, 0.68, 0, false),
        // A margin is asked of both; one below 0 bears its loss, and no less.
        (0.02, 0.3, 0.018, false), (-0.019, 0.3, -0.02, true), (-0.021, 0.3, -0.02, false), (0.02, 0.68, -0.2, true),
    ])
    func theBetterOfTwoThatTheSupportSetTaughtAnswers(
        _ gain: Double, _ own: Double, _ margin: Double, _ isServed: Bool
    ) {
        let spread = [0.2, -0.2, 0.15, -0.15, 0.1, -0.1, 0.2, -0.2]
        func scores(_ dice: (Int) -> Double, own: Double? = nil) -> [HeldOutScore] {
            (0..<8).map { HeldOutScore(example: $0, prompt: .none, dice: dice($0), ownDice: own) }
                + (0..<8).flatMap { example in
                    [PromptKind.box, .point].map { HeldOutScore(example: example, prompt: $0, dice: 0.5) }
                }
        }
        let gate = Self.gate(scores({ _ in 0.6 }, own: own), scores { 0.6 + gain + spread[$0] }, margin: margin)
        let verdict = gate.verdicts.first { $0.prompt == .none }
        #expect(verdict?.isServed == isServed, "\(String(describing: verdict))")
        // However unsure that is.
        #expect(verdict.map { $0.test.pValue > Gate.level || margin < 0 } ?? false)
    }

    /// An adapter that is reliably better than what would answer in its place need be better than the model's own answer on the mean alone:
    /// otherwise something worse than either would answer.
    @Test(arguments: [(0.15, 0.72, true), (0.15, 0.77, false), (0.06, 0.6, false), (0.15, 0.3, true)])
    func whatIsWorseIsNoShelter(_ gain: Double, _ own: Double, _ isServed: Bool) throws {
        let spread = [0.2, -0.2, 0.15, -0.15, 0.1, -0.1, 0.2, -0.2]
        func scores(_ dice: (Int) -> Double, own: Double? = nil) -> [HeldOutScore] {
            (0..<8).flatMap { example in
                HeldOutScorer.kinds.map { kind in
                    HeldOutScore(
                        example: example, prompt: kind, dice: kind == .none ? dice(example) : 0.5,
                        ownDice: kind == .none ? own : nil)
                }
            }
        }
        let gate = Self.gate(scores({ _ in 0.6 }, own: own), scores { 0.6 + gain + spread[$0] })
        let verdict = try #require(gate.verdicts.first { $0.prompt == .none })
        #expect(verdict.isServed == isServed, "\(verdict)")
        #expect((verdict.test.pValue < Gate.level) == (gain > 0.1))
        #expect(try own > 0.7 || gain < 0.1 || #require(verdict.ownTest).pValue < Gate.level)
    }

    private static func gate(_ base: [HeldOutScore], _ adapted: [HeldOutScore], margin: Double = 0) -> Gate {
        Gate(base: base, adapted: adapted, patients: Array(0..<8), margin: margin)
    }

    /// The same Dice on eight images, one for each label.
    private static func scores(_ dice: [Double]) -> [HeldOutScore] {
        (0..<8).flatMap { example in
            dice.enumerated().flatMap { label, dice in
                HeldOutScorer.kinds.map { HeldOutScore(example: example, label: label, prompt: $0, dice: dice) }
            }
        }
    }
}

@Suite struct LikenessInFoldsTests {
    /// An adapter that has learnt next to nothing is the base model, helped by what the other images find alike, and by no other: made here
    /// again by hand, also where the encoder has an adapter and tells of likeness in a pass of its own.
    @Test(arguments: [AdapterKind.decoder, .loraDecoder]) func likenessHelpsByTheOthersAlone(_ kind: AdapterKind) throws
    {
        let examples = targets(4)
        var recipe = Recipe(
            settings: quick(kind, steps: 3), fixed: [.kind, .steps, .learningRate, .decoderLearningRate])
        (recipe.settings.learningRate, recipe.settings.decoderLearningRate) = (1e-9, 1e-9)
        let fitting = try Fitting(
            model: tinyModel, examples: examples,
            patients: PatientGroups(stems: examples.indices.map { "\($0)" }, given: examples.map { _ in nil }),
            recipe: recipe, labels: LabelledTrainingTests.names)
        let heldOut = try #require(try fitting.run(speed: FittingTests.speed).heldOut)
        let predictor = LabelledPredictor(Predictor(tinyModel))
        var differs = false
        for held in examples.indices {
            var others = examples
            others.remove(at: held)
            let embedding = predictor.embed(examples[held].image)
            func dice(_ taught: [Example]) throws -> [Double] {
                let base = try SupportProfiler(predictor, isAdapted: false).profiles(taught, labelCount: 2)
                let profiles = try SupportProfiler(
                    predictor, isAdapted: true, likenesses: base.map(\.likeness), isCalibrated: true
                ).profiles(taught, labelCount: 2)
                return try Unprompted.answers([0, 1], on: embedding, profile: { profiles[$0] }) { label in
                    let found = try PromptlessReader(predictor[label], isAdapted: true)
                        .answer(.none, embedding, profiles[label], byPixels: nil)
                    return (found.prediction, found.likeness, ())
                }.map { answer in
                    try SegmentationMetrics(
                        prediction: answer.mask, groundTruth: examples[held].labels.mask(answer.label)
                    ).dice
                }
            }
            let (expected, leaked) = (try dice(others), try dice(examples))
            for label in 0..<2 {
                let score = try #require(
                    heldOut.adapted.first { $0.example == held && $0.label == label && $0.prompt == .none })
                #expect(score.route == .blend)
                #expect(abs(score.dice - expected[label]) < 1e-3, "\(held), \(label)")
                differs = differs || abs(expected[label] - leaked[label]) > 2e-3
            }
        }
        #expect(differs, "what all of them teach is the same: this would not notice a leak")
    }
}

@Suite struct LabelledProfileTests {
    @Test func everyLabelHasItsPrototypes() throws {
        let examples = targets(4, bare: [1])
        let profiler = SupportProfiler(Predictor(tinyModel), isAdapted: false)
        let profiles = try profiler.profiles(examples, labelCount: 2)
        #expect(profiles.count == 2)
        #expect(profiles[0].prototypes != nil && profiles[1].prototypes != nil)
        #expect(profiles[0].prototypes != profiles[1].prototypes)
        #expect(profiles[0].likeness != nil && profiles[0].likeness != profiles[1].likeness)
        // How far images are from the set is no matter of labels.
        #expect(profiles[0].distance == profiles[1].distance)
        // One label alone is what a task of that label would know.
        let alone = try profiler.profile(examples.map { Example(image: $0.image, mask: $0.labels.mask(0)) })
        #expect(alone.prototypes == profiles[0].prototypes)
        #expect(alone.presence == profiles[0].presence)
    }

    @Test func aLabelThatNoExampleShowsHasNone() throws {
        let profiles = try SupportProfiler(Predictor(tinyModel), isAdapted: false)
            .profiles(targets(2, bare: [0, 1]), labelCount: 2)
        #expect(profiles[1].prototypes == nil && profiles[1].route == .model && profiles[1].presence == nil)
        // The model's own answer, the same for all, is not taken for it; an adapter may have learnt it elsewhere.
        #expect(profiles[1].isUnknown && !profiles[0].isUnknown)
        let embedding = Predictor(tinyModel).embed(targets(1)[0].image)
        #expect(profiles[1].presence(embedding)?.isThere == false)
        let adapted = try SupportProfiler(Predictor(tinyModel), isAdapted: true)
            .profiles(targets(2, bare: [0, 1]), labelCount: 2)
        #expect(!adapted[1].isUnknown && adapted[1].presence(embedding) == nil)
    }
}
