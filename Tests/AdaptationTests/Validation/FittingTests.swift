import Adaptation
import Imaging
import Metrics
import SegmentAnything
import TestSupport
import Testing

@Suite struct FittingTests {
    static let speed = SpeedProbe(encoderSeconds: 1e-4, decoderSeconds: 1e-4)

    static func recipe(_ steps: Int = 9, fixed: Set<Recipe.Choice> = [.kind, .decoderLearningRate]) -> Recipe {
        var recipe = Recipe(settings: quick(.decoder, steps: steps), fixed: fixed)
        recipe.settings.decoderLearningRate = 0.01
        return recipe
    }

    static func fitting(
        _ examples: [Example] = discs(4), recipe: Recipe = recipe(), patients: [String?]? = nil,
        previous: Fitting.Previous? = nil
    ) throws -> Fitting {
        try Fitting(
            model: tinyModel, examples: examples,
            patients: PatientGroups(
                stems: examples.indices.map { "\($0)" }, given: patients ?? examples.map { _ in nil }),
            recipe: recipe, previous: previous)
    }

    @Test func scoresEveryExampleOnceByAModelThatHasNotSeenIt() throws {
        let fitted = try Self.fitting().run(speed: Self.speed)
        let heldOut = try #require(fitted.heldOut)
        #expect(heldOut.method == .leaveOneOut && heldOut.foldCount == 4 && heldOut.groupedBy == nil)
        for scores in [heldOut.base, heldOut.adapted] {
            #expect(scores.map(\.example) == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
            #expect(scores.prefix(4).map(\.prompt) == [.box, .point, .point, .none])
        }
        for kind in HeldOutScorer.kinds {
            let (dice, gain) = (heldOut.interval(.dice, kind, adapted: true), heldOut.gain(kind))
            #expect(try (0...1).contains(#require(dice).mean))
            #expect(try #require(dice?.low) <= #require(dice).mean && #require(dice).mean <= #require(dice?.high))
            let before = try #require(heldOut.interval(.dice, kind, adapted: false))
            #expect(try abs(#require(dice).mean - before.mean - #require(gain).mean) < 1e-9)
            // No spacing, no millimetres.
            #expect(heldOut.interval(.asdMillimetres, kind, adapted: true) == nil)
        }
    }

    /// The scores are those of adapters trained without the image: made here again, one by one.
    @Test func theHeldOutScoresAreThoseOfRunsWithoutTheImage() throws {
        let examples = discs(3)
        var recipe = Self.recipe()
        recipe.fixed.insert(.steps)
        let heldOut = try #require(try Self.fitting(examples, recipe: recipe).run(speed: Self.speed).heldOut)
        for held in examples.indices {
            var others = examples
            others.remove(at: held)
            // Views differ with the place in the set, so the image is kept and only plain views are used.
            var settings = recipe.settings
            settings.augmentedViews = 1
            let trained = try Trainer(model: tinyModel, examples: others, settings: settings).run()
            let predictor = Predictor(tinyModel, adjustment: trained.adapter.adjustment)
            let mask = try predictor.segment(predictor.embed(examples[held].image), [Prompt()])[0].mask()
            let dice =
                2 * Double(mask.intersectionCount(examples[held].mask)) / Double(mask.area + examples[held].mask.area)
            let score = heldOut.adapted.first { $0.example == held && $0.prompt == .none }
            #expect(try abs(#require(score).dice - dice) < 0.35, "\(held)")
        }
    }

    /// Without a prompt the base model is scored by the very way that the other images chose, made here again one by one.
    @Test func theBaseModelIsScoredAsItAnswersWithoutAPrompt() throws {
        let examples = discs(4)
        let heldOut = try #require(try Self.fitting(examples).run(speed: Self.speed).heldOut)
        let predictor = Predictor(tinyModel)
        let reader = PromptlessReader(predictor, isAdapted: false)
        var ways: [PromptlessRoute: Int] = [:]
        var missed = 0
        for held in examples.indices {
            var others = examples
            others.remove(at: held)
            let profile = try SupportProfiler(predictor, isAdapted: false).profile(others)
            let embedding = predictor.embed(examples[held].image)
            let isThere = profile.presence(embedding)?.isThere ?? true
            let truth = examples[held].mask
            let answer = try reader.answer(.none, embedding, profile, byPixels: nil).prediction.mask()
            let mask =
                isThere
                ? try #require(profile.debris).removed(from: answer) : Mask(empty: truth.width, height: truth.height)
            let dice = try SegmentationMetrics(prediction: mask, groundTruth: truth).dice
            let score = try #require(heldOut.base.first { $0.example == held && $0.prompt == .none })
            #expect(score.dice == dice && score.route == profile.route && score.isFound == !mask.isEmpty)
            // What the decoder says by itself stands beside it, wherever that is something else.
            let own = try predictor.segment(embedding, [.none])[0].mask()
            #expect(
                try score.ownDice
                    == (profile.route == .model && isThere
                        ? nil : SegmentationMetrics(prediction: own, groundTruth: truth).dice))
            ways[profile.route, default: 0] += 1
            missed += isThere ? 0 : 1
        }
        #expect(Dictionary(uniqueKeysWithValues: heldOut.ways.map { ($0.route, $0.count) }) == ways)
        #expect(heldOut.missed(adapted: false) == missed)
        // Prompts are not looked for, and an adapter goes its own way.
        #expect(heldOut.base.allSatisfy { ($0.route == nil) == ($0.prompt != .none) })
        #expect(heldOut.adapted.compactMap(\.route) == Array(repeating: .model, count: 4))
    }

    @Test func theFinalFitIsThatOfTheTrainer() throws {
        var recipe = Self.recipe()
        recipe.fixed.insert(.steps)
        let examples = discs(3)
        let fitted = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        let trained = try Trainer(model: tinyModel, examples: examples, settings: recipe.settings).run()
        #expect(fitted.trained.adapter.sha256 == trained.adapter.sha256)
    }

    @Test func anAdapterThatDoesHarmIsNotServed() throws {
        var recipe = Self.recipe(6)
        // So large a step destroys what there was.
        recipe.settings.decoderLearningRate = 0.9
        recipe.fixed.insert(.steps)
        let spoilt = try #require(try Self.fitting(recipe: recipe).run(speed: Self.speed).heldOut)
        for verdict in spoilt.gate.verdicts {
            #expect(verdict.isServed == (verdict.test.pValue < Gate.level))
            #expect(!verdict.isServed || verdict.test.mean > 0)
        }
        // A margin that no gain can reach serves nothing, one below every loss anything.
        for (margin, isServed) in [(1.0, false), (-1.0, true)] {
            recipe.margin = margin
            let heldOut = try #require(try Self.fitting(recipe: recipe).run(speed: Self.speed).heldOut)
            #expect(heldOut.gate.verdicts.allSatisfy { $0.isServed == isServed })
        }
    }

    @Test func oneImageIsTrainedGentlyAndNotScored() throws {
        let recipe = Recipe(settings: quick(.decoder, steps: 9))
        let fitted = try Self.fitting(discs(1), recipe: recipe).run(speed: Self.speed)
        #expect(fitted.heldOut == nil)
        #expect(fitted.trained.losses.count == 3)
        #expect(fitted.settings.decoderLearningRate == recipe.settings.decoderLearningRate / 2)
    }

    @Test func patientsAreHeldOutTogether() throws {
        let heldOut = try #require(
            try Self.fitting(discs(4), patients: ["a", "a", "b", "b"]).run(speed: Self.speed).heldOut)
        #expect(heldOut.foldCount == 2 && heldOut.groupedBy == .given)
    }

    @Test func theFoldsChooseAmongRecipes() throws {
        let recipe = Self.recipe(9, fixed: [])
        let fitted = try Self.fitting(recipe: recipe).run(speed: Self.speed)
        #expect(fitted.tried.map(\.settings.kind) == [.decoder, .loraDecoder, .lora])
        #expect(fitted.tried.count { $0.isChosen } == 1)
        let chosen = try #require(fitted.tried.first { $0.isChosen })
        #expect(chosen.settings == fitted.settings)
        #expect(try fitted.tried.allSatisfy { try #require($0.dice) <= #require(chosen.dice) + 0.005 })
        #expect(chosen.steps == fitted.trained.losses.count)
        #expect([3, 6, 9].contains(try #require(chosen.steps)))
    }

    @Test func withoutTimeOnlyTheFirstRecipeIsRun() throws {
        var recipe = Self.recipe(9, fixed: [.steps])
        recipe.budgetSeconds = 1
        // A machine on which one step would take an hour.
        let slow = SpeedProbe(encoderSeconds: 3_600, decoderSeconds: 1e-9)
        let fitted = try Self.fitting(recipe: recipe).run(speed: slow)
        #expect(fitted.tried.map { $0.steps != nil }.last == false)
        #expect(fitted.tried[0].isChosen || fitted.tried[1].isChosen)
        #expect(fitted.settings.augmentedViews == 1)
        #expect(fitted.heldOut != nil)
    }

    /// Killed after any step and in any run, the fitting ends in the same bytes and figures.
    @Test(arguments: [1, 5, 9, 12, 30, 44]) func aResumedFittingEndsTheSame(_ stop: Int) throws {
        struct Killed: Error {}
        let recipe = Self.recipe(9, fixed: [.kind])
        let whole = try Self.fitting(discs(3), recipe: recipe).run(speed: Self.speed)
        let directory = try TemporaryDirectory()
        let path = directory.file("checkpoint")
        var count = 0
        var began: ContinuousClock.Instant?
        var spent = Duration.zero
        #expect(throws: Killed.self) {
            try Self.fitting(discs(3), recipe: recipe).run(
                speed: Self.speed,
                hooks: Fitting.Hooks(checkpoint: { checkpoint in
                    count += 1
                    began = began ?? .now
                    guard count == stop else { return }
                    spent = .now - began!
                    try checkpoint.write(to: path)
                    throw Killed()
                }))
        }
        var phases: [FittingProgress] = []
        let resumed = try Self.fitting(discs(3), recipe: recipe).run(
            // Another speed at the second start changes nothing.
            speed: SpeedProbe(encoderSeconds: 9, decoderSeconds: 9), resuming: FittingCheckpoint(path: path),
            hooks: Fitting.Hooks(progress: { progress in
                phases.append(progress)
                return true
            }))
        #expect(resumed.trained.adapter.sha256 == whole.trained.adapter.sha256)
        #expect(resumed.heldOut?.adapted == whole.heldOut?.adapted)
        #expect(resumed.heldOut?.base == whole.heldOut?.base)
        #expect(resumed.heldOut?.influence == whole.heldOut?.influence)
        #expect(resumed.tried == whole.tried)
        // Nothing is done twice: as many steps remain as were not done.
        #expect(phases.count < 70 - stop, "\(phases.count)")
        // The work before the end counts: its seconds are told with those after it.
        #expect(resumed.seconds >= spent / .seconds(1))
    }

    /// What is served is the mean of the runs that the folds were scored by; it survives being killed in any of them.
    @Test(arguments: [3, 40, 50, 60, 66]) func anEnsembleIsTheMeanOfAdaptersToAllFoldsButOne(_ stop: Int) throws {
        struct Killed: Error {}
        var recipe = Self.recipe(6, fixed: [.kind, .decoderLearningRate, .steps])
        recipe.isEnsemble = true
        let examples = discs(3)
        let whole = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        #expect(whole.trained.adapter.card.members == 3 && whole.trained.adapter.card.supportCount == 3)
        #expect(whole.trained.losses.count == 6)
        recipe.isEnsemble = false
        let alone = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        // The same folds and figures, another adapter.
        #expect(alone.heldOut?.adapted == whole.heldOut?.adapted)
        #expect(alone.trained.adapter.card.members == nil)
        #expect(alone.trained.adapter.sha256 != whole.trained.adapter.sha256)

        recipe.isEnsemble = true
        let directory = try TemporaryDirectory()
        let path = directory.file("checkpoint")
        var (count, phases) = (0, [FittingProgress.Phase]())
        let error = #expect(throws: (any Error).self) {
            try Self.fitting(examples, recipe: recipe).run(
                speed: Self.speed,
                hooks: Fitting.Hooks(
                    checkpoint: { checkpoint in
                        try checkpoint.write(to: path)
                        count += 1
                        if count == stop { throw Killed() }
                    },
                    progress: { progress in
                        phases.append(progress.phase)
                        // Whatever the number of checkpoints, it is killed before its end.
                        return !(progress.phase == .member(number: 3, count: 3) && progress.step == 5)
                    }))
        }
        #expect(error is Killed || error is AdaptationError)
        let resumed = try Self.fitting(examples, recipe: recipe).run(
            speed: Self.speed, resuming: FittingCheckpoint(path: path))
        #expect(resumed.trained.adapter.sha256 == whole.trained.adapter.sha256)
    }

    @Test func anEnsembleThatCannotBeIsRefused() throws {
        var recipe = Recipe(settings: AdaptationSettings(kind: .pooled), fixed: [.kind], isEnsemble: true)
        #expect(throws: SettingsError.self) { try recipe.validate() }
        recipe.settings.kind = .lora
        try recipe.validate()
        recipe.settings.rank = 13
        let error = #expect(throws: SettingsError.self) { try recipe.validate() }
        #expect(error?.field == "adapter.rank" && error?.expectation.hasPrefix("at most 12 ") == true)
        recipe.isEnsemble = false
        try recipe.validate()
        // Of one image there are no parts: it is trained on as ever.
        recipe = Self.recipe(3)
        recipe.isEnsemble = true
        #expect(try Self.fitting(discs(1), recipe: recipe).run(speed: Self.speed).trained.adapter.card.members == nil)
    }

    @Test func aCheckpointOfAnotherFittingCountsForNothing() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("checkpoint")
        _ = try Self.fitting(discs(3, seed: 9)).run(
            speed: Self.speed, hooks: Fitting.Hooks(checkpoint: { try $0.write(to: path) }))
        let resumed = try Self.fitting(discs(3)).run(speed: Self.speed, resuming: FittingCheckpoint(path: path))
        #expect(
            try resumed.trained.adapter.sha256 == Self.fitting(discs(3)).run(speed: Self.speed).trained.adapter.sha256)
    }

    @Test func cancellingEndsItInAnyPhase() throws {
        for limit in [1, 40, 200] {
            var questions = 0
            let error = #expect(throws: AdaptationError.self) {
                try Self.fitting().run(
                    speed: Self.speed,
                    hooks: Fitting.Hooks(isCancelled: {
                        questions += 1
                        return questions > limit
                    }))
            }
            guard case .cancelled = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    /// A step through a large encoder takes seconds: it can be ended between any two blocks.
    @Test func aStepAsksBetweenBlocks() throws {
        let settings = AdaptationSettings(kind: .lora, steps: 1, imagesPerStep: 1, augmentedViews: 1)
        let trainer = try Trainer(model: tinyModel, examples: discs(1), settings: settings)
        var questions = 0
        _ = try trainer.run(isCancelled: {
            questions += 1
            return false
        })
        let depth = tinyModel.configuration.depth
        // There through the blocks, the prompts, and back through the blocks and what lies behind them.
        #expect(questions == 1 + depth + PromptKind.allCases.count + depth + 1)
        for limit in 0..<questions {
            var asked = 0
            #expect(throws: AdaptationError.cancelled(step: 0)) {
                try trainer.run(isCancelled: {
                    asked += 1
                    return asked > limit
                })
            }
            #expect(asked == limit + 1)
        }
    }

    @Test func measuringTheSpeedCanBeCancelled() throws {
        for limit in 0...tinyModel.configuration.depth {
            var asked = 0
            #expect(throws: AdaptationError.cancelled(step: 0)) {
                try SpeedProbe(
                    measuring: tinyModel,
                    isCancelled: {
                        asked += 1
                        return asked > limit
                    })
            }
        }
    }

    @Test func boxesAreScoredAsDrawnWithCareToo() throws {
        let heldOut = try #require(try Self.fitting(discs(3)).run(speed: Self.speed).heldOut)
        for scores in [heldOut.base, heldOut.adapted] {
            #expect(scores.allSatisfy { ($0.carefulDice == nil) == ($0.prompt != .box) })
        }
        let example = discs(3)[1]
        let simulator = try #require(PromptSimulator(mask: example.mask))
        let (box, extent) = (try #require(simulator.carefulBox().box), try #require(example.mask.boundingBox))
        #expect(box.x0 == max(Float(extent.x0 - 1), 0) && box.y1 == min(Float(extent.y1 + 1), 31))
        let image = EmbeddedImage(example.image, by: Predictor(tinyModel))
        let mask = try image.segment(Prompt(box: box)).mask()
        let dice = try SegmentationMetrics(prediction: mask, groundTruth: example.mask).dice
        #expect(heldOut.base.first { $0.example == 1 && $0.prompt == .box }?.carefulDice == dice)
    }

    /// An adapter's answers to held-out images say when to look again; nobody trained on them.
    @Test(arguments: [false, true]) func theFoldsCalibrateTheReview(_ hasTiles: Bool) throws {
        var recipe = Self.recipe()
        recipe.fixed.formUnion([.steps, .tiles])
        recipe.settings.tileSide = hasTiles ? 24 : nil
        let heldOut = try #require(try Self.fitting(discs(3), recipe: recipe).run(speed: Self.speed).heldOut)
        #expect(heldOut.base.allSatisfy { $0.agreement == nil })
        for example in 0..<3 {
            let scores = heldOut.adapted.filter { $0.example == example }
            #expect(scores.map(\.prompt) == [.box, .point, .point, .none])
            // One of each kind; none of an answer that was not given.
            #expect(scores.prefix(3).map { $0.agreement != nil } == [true, true, false], "\(scores)")
            #expect(scores[3].agreement != nil || scores[3].isFound == false, "\(scores)")
            #expect(scores.compactMap(\.agreement).allSatisfy { (0...1).contains($0) })
        }
        for kind in [PromptKind.box, .point] {
            let pairs = heldOut.adapted.filter { $0.prompt == kind }.compactMap { score in
                score.agreement.map { ReviewThreshold.Pair(agreement: $0, dice: score.dice) }
            }
            #expect(heldOut.review(kind) == ReviewThreshold(pairs) && pairs.count == 3)
        }
    }

    /// What a job will take counts its images, and the encoder's way back where the encoder is trained.
    @Test func theEstimateCountsWhatTheProbeDoesNotTake() throws {
        let configuration = tinyModel.configuration
        func bytes(_ kind: AdapterKind, side: Int = 32) throws -> Int {
            var recipe = Self.recipe(fixed: [.kind, .steps, .tiles])
            recipe.settings.kind = kind
            return try Self.speed.estimate(
                recipe,
                masks: (0..<4).map { _ in
                    Mask(width: side, height: side, pixels: .init(repeating: 1, count: side * side))
                },
                patients: PatientGroups(stems: ["a", "b", "c", "d"], given: [nil, nil, nil, nil]),
                configuration: configuration, trainedNumbers: { _, _ in 0 }
            ).bytes
        }
        #expect(try bytes(.decoder, side: 64) - bytes(.decoder) == 4 * 4 * (64 * 64 - 32 * 32))
        #expect(try bytes(.lora) >= Checkpointing.keptBytes(of: configuration))
        #expect(try bytes(.lora) - bytes(.decoder) > Checkpointing.keptBytes(of: configuration) / 2)
    }

    @Test func aWrongMaskHarmsTheOthers() throws {
        // Five discs, and one whose mask marks the ground instead.
        var examples = discs(6)
        let wrong = examples[2]
        examples[2] = Example(
            image: wrong.image,
            mask: Mask(width: wrong.mask.width, height: wrong.mask.height, pixels: wrong.mask.pixels.map { 1 - $0 }))
        var recipe = Self.recipe(60)
        recipe.fixed.insert(.steps)
        let heldOut = try #require(try Self.fitting(examples, recipe: recipe).run(speed: Self.speed).heldOut)
        let influence = heldOut.influence.compactMap(\.self)
        #expect(influence.count == 6)
        #expect(influence.indices.min { influence[$0] < influence[$1] } == 2, "\(influence)")
        #expect(influence[2] < 0)
    }

    @Test func aWarmStartGoesOnFromTheVersionBefore() throws {
        let examples = discs(6)
        var recipe = Self.recipe(9)
        recipe.fixed.insert(.steps)
        let first = try Self.fitting(Array(examples[..<4]), recipe: recipe).run(speed: Self.speed)
        let previous = Fitting.Previous(adapter: first.trained.adapter, exampleCount: 4)
        let second = try Self.fitting(examples, recipe: recipe, previous: previous).run(speed: Self.speed)
        let comparison = try #require(second.heldOut?.previous)
        // Only what neither has seen is a fair ground.
        #expect(comparison.examples == 2)
        #expect((0...1).contains(comparison.pValue))
        #expect(comparison.isWorse == (comparison.pValue < Gate.level))
        let cold = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        #expect(second.trained.adapter.sha256 != cold.trained.adapter.sha256)
        // The folds know nothing of the version before, which has seen their images.
        #expect(second.heldOut?.adapted == cold.heldOut?.adapted)
        // Training went on from a lower loss.
        #expect(try #require(second.trained.losses.first) < #require(first.trained.losses.first))
    }

    /// What a gate left to the base model was the base model's answer: nothing of the adapter before counts there.
    @Test func theVersionBeforeIsComparedAsItWasServed() throws {
        let examples = discs(6)
        var recipe = Self.recipe(9)
        recipe.fixed.insert(.steps)
        recipe.margin = -1  // whatever was trained is served
        let first = try Self.fitting(Array(examples[..<4]), recipe: recipe).run(speed: Self.speed)
        func gain(_ served: Set<PromptKind>) throws -> (measured: Double, overBase: Double) {
            let previous = Fitting.Previous(adapter: first.trained.adapter, exampleCount: 4, served: served)
            let heldOut = try #require(
                try Self.fitting(examples, recipe: recipe, previous: previous).run(speed: Self.speed).heldOut)
            let gains = zip(heldOut.base, heldOut.adapted).filter { $0.0.example >= 4 }.map { $1.dice - $0.dice }
            return (try #require(heldOut.previous).gain.mean, gains.reduce(0, +) / Double(gains.count))
        }
        let nothing = try gain([])
        #expect(abs(nothing.measured - nothing.overBase) < 1e-9)
        let all = try gain(Set(PromptKind.allCases))
        #expect(abs(all.measured - nothing.measured) > 1e-4)
    }

    /// Factors that were scaled by another alpha are another update: the next version does not start from them.
    @Test(arguments: [(Float(4), true), (8, false)]) func aWarmStartIsOfOneScale(alpha: Float, isWarm: Bool) throws {
        let examples = discs(4)
        var recipe = Self.recipe(4)
        recipe.settings = quick(.loraDecoder, steps: 4)
        recipe.fixed.insert(.steps)
        #expect(recipe.settings.alpha == 4)
        let first = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        recipe.settings.alpha = alpha
        let previous = Fitting.Previous(adapter: first.trained.adapter, exampleCount: 4)
        let second = try Self.fitting(examples, recipe: recipe, previous: previous).run(speed: Self.speed)
        let cold = try Self.fitting(examples, recipe: recipe).run(speed: Self.speed)
        #expect((second.trained.adapter.sha256 != cold.trained.adapter.sha256) == isWarm)
    }
}
