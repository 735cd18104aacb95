package import Imaging
package import SegmentAnything
import Tensor

/// How fast this machine runs a model: measured by a short run on noise, before anything is promised.
package struct SpeedProbe: Codable, Sendable, Equatable {
    /// One image through the frozen encoder.
    package let encoderSeconds: Double
    /// One image of a training step: the decoder with each kind of prompt, there and back.
    package let decoderSeconds: Double

    /// A step through the encoder goes forward and back, which is two products for each of the forward pass. (Of the largest models some
    /// blocks go forward again.)
    private static let encoderPasses = 3.0

    package init(encoderSeconds: Double, decoderSeconds: Double) {
        self.encoderSeconds = encoderSeconds
        self.decoderSeconds = decoderSeconds
    }

    /// A first pass of the encoder that took longer stands for itself: what it does once is then a small part of it.
    private static let longPass = Duration.seconds(1)

    /// Takes one pass of the encoder, of a small one two, and three images' steps.
    ///
    /// - Parameter isCancelled: Asked between blocks of the encoder and between prompts.
    /// - Throws: `AdaptationError.cancelled`.
    package init(measuring model: SegmentAnythingModel, isCancelled: @escaping () -> Bool = { false }) throws {
        let example = Example.disc(side: 64)
        let settings = AdaptationSettings(kind: .decoder, steps: 3, imagesPerStep: 1, augmentedViews: 1)
        let trainer = Trainer(model: model, support: try SupportSet([example]), settings: settings)
        let (cache, clock) = (trainer.cache(), ContinuousClock())
        /// One pass; what its thread, the only one that lets others go first, waited for requests is not its own.
        func pass(_ cache: EncodingCache) throws -> Duration {
            try Threads.countingWaits { waited in
                try clock.measure { _ = try cache.encoding(view: 0, of: 0, isCancelled: isCancelled) } - waited()
            }
        }
        var encoding = try pass(cache)
        // The first also packs the weights and finds its memory.
        if encoding < Self.longPass { encoding = min(encoding, try pass(trainer.cache())) }
        // The first step still finds its memory; the fastest of the others is the step itself.
        var (last, fastest) = (clock.now, Duration.seconds(3_600))
        _ = try trainer.run(
            resuming: nil, cache: cache, stopAfter: settings.steps,
            hooks: Trainer.Hooks(
                checkpointEvery: 0, isCancelled: isCancelled,
                progress: { progress in
                    let now = clock.now
                    if progress.step > 1 { fastest = min(fastest, now - last) }
                    last = now
                    return true
                }))
        self.init(encoderSeconds: encoding / .seconds(1), decoderSeconds: fastest / .seconds(1))
    }

    /// Of one step of a recipe whose frozen encodings are there.
    ///
    /// - Parameter labelCount: With several labels a view may be asked for one that it does not show, as well.
    package func stepSeconds(
        _ settings: AdaptationSettings, _ configuration: Configuration, labelCount: Int = 1
    ) -> Double {
        let prompts = Double(PromptKind.allCases.count)
        let decoder = decoderSeconds * (labelCount > 1 ? (prompts + 1) / prompts : 1)
        let share = Double(settings.lastBlocks ?? configuration.depth) / Double(configuration.depth)
        let encoder = settings.kind.trainsEncoder ? Self.encoderPasses * encoderSeconds * share : 0
        return Double(settings.imagesPerStep) * (decoder + encoder)
    }

    /// Of encoding every view of every example once; tiles apart.
    package func encodingSeconds(_ settings: AdaptationSettings, examples: Int) -> Double {
        let visits = min(examples * settings.augmentedViews, settings.steps * settings.imagesPerStep + examples)
        return settings.kind.trainsEncoder ? 0 : Double(visits) * encoderSeconds
    }

    /// `settings` with as many views and steps as `runs` training runs can afford in `budget` seconds, but no fewer than it
    /// takes to learn anything. What the client fixed stays.
    func fitted(
        _ recipe: Recipe, _ settings: AdaptationSettings, examples: Int, runs: Int, configuration: Configuration
    ) -> AdaptationSettings {
        var settings = settings
        if !recipe.fixed.contains(.augmentedViews), !settings.kind.trainsEncoder {
            let affordable = 0.4 * recipe.budgetSeconds / (Double(examples) * encoderSeconds)
            settings.augmentedViews = max(1, Int(min(affordable, Double(settings.augmentedViews))))
        }
        if !recipe.fixed.contains(.steps) {
            let affordable =
                0.6 * recipe.budgetSeconds
                / (Double(runs) * stepSeconds(settings, configuration, labelCount: recipe.labelCount))
            settings.steps = max(min(Self.fewestSteps, settings.steps), Int(min(affordable, Double(settings.steps))))
        }
        return settings
    }

    private static let fewestSteps = 10
    /// Masks of an image and label at a mark: the prompts', the careful box's, and those of prompts near three of them.
    private static let scoringDecodes = HeldOutScorer.draws.reduce(1) { $0 + $1.count } + 3 * PromptJitter.foldCount

    /// What a fitting will likely take.
    ///
    /// - Parameter masks: Of the examples.
    /// - Throws: When they cannot be cut as the recipe says.
    package func estimate(
        _ recipe: Recipe, masks: [Mask], patients: PatientGroups, configuration: Configuration,
        trainedNumbers: (AdaptationSettings, _ labelCount: Int) -> Int
    ) throws(SettingsError) -> Estimate {
        estimate(
            resolved: try recipe.resolved(for: masks, model: configuration), masks: masks, patients: patients,
            configuration: configuration, trainedNumbers: trainedNumbers)
    }

    /// Of a recipe that says whether there are tiles.
    func estimate(
        resolved recipe: Recipe, masks: [Mask], patients: PatientGroups, configuration: Configuration,
        trainedNumbers: (AdaptationSettings, _ labelCount: Int) -> Int
    ) -> Estimate {
        // Of all images together.
        let tiles = recipe.settings.tiling.map { tiling in
            masks.reduce(0) { $0 + tiling.count(width: $1.width, height: $1.height) }
        }
        let count = patients.groups.count
        let plan = FoldPlan(
            patients, seed: recipe.settings.seed, isTiled: recipe.settings.tileSide != nil)
        let runs = (plan?.folds.count ?? 0) + recipe.finalRuns(plan)
        let candidates = (plan == nil ? [recipe.conservative()] : recipe.candidates()).map {
            fitted(recipe, $0, examples: count, runs: runs, configuration: configuration)
        }
        func training(_ settings: AdaptationSettings) -> Double {
            Double(settings.steps) * stepSeconds(settings, configuration, labelCount: recipe.labelCount)
        }
        let first = candidates[0]
        // Forward only, a kind at a time: some twelfth of a training step's share, for each prompt at each mark.
        let scoring =
            Double((tiles ?? count) * recipe.labelCount * Self.scoringDecodes * (recipe.marks(first).count + 1))
            * decoderSeconds / 8
        let parts = Double(tiles ?? 0) * encoderSeconds
        var seconds = encodingSeconds(first, examples: count) + parts + Double(runs) * training(first) + scoring
        for settings in candidates.dropFirst() {
            let more =
                Double(plan?.folds.count ?? 0) * training(settings) + encodingSeconds(settings, examples: count) / 8
                + scoring
            let last = Double(recipe.finalRuns(plan)) * training(settings)
            if seconds + more + last <= recipe.budgetSeconds { seconds += more }
        }
        let halves = Double(plan?.halves.count ?? 0) * training(first)
        if seconds + halves <= recipe.budgetSeconds { seconds += halves }
        let side = configuration.logitsSide
        let view = 4 * (configuration.grid * configuration.grid * configuration.embeddingChannels + 2 * side * side)
        let encodings = min((count * first.augmentedViews + (tiles ?? 0)) * view, first.cacheBytes)
        // A run holds its tensors, two moments, the sum of the gradients, and the next tensors before the old ones go.
        let states = candidates.map { trainedNumbers($0, recipe.labelCount) }.max() ?? 0
        // What the encoder's blocks keep for the way back: the probe trains the decoder alone.
        let kept = candidates.contains(where: \.kind.trainsEncoder) ? Checkpointing.keptBytes(of: configuration) : 0
        // Images and masks are there all the while, and for what the support set teaches beside the adapter the embedding of each.
        let pixels = masks.reduce(0) { $0 + 4 * $1.width * $1.height }
        let embeddings = count * 4 * configuration.grid * configuration.grid * configuration.embeddingChannels
        return Estimate(
            seconds: seconds, bytes: encodings + 6 * 4 * states + kept + pixels + embeddings,
            tileSide: recipe.settings.tileSide, tileCount: tiles)
    }

    /// What a fitting will likely take.
    package struct Estimate: Sendable, Equatable {
        /// Of an undisturbed machine.
        package let seconds: Double
        /// Beside what the process and one training step take anyway.
        package let bytes: Int
        /// Of the tiles, in pixels; nil: the images are seen whole.
        package let tileSide: Int?
        /// In all images together.
        package let tileCount: Int?
    }
}

extension SegmentAnythingModel {
    /// Numbers that an adapter has which such a run trains.
    package func trainedNumbers(_ settings: AdaptationSettings, labelCount: Int) -> Int {
        AdapterLayout(
            kind: settings.kind, rank: settings.rank, lastBlocks: settings.lastBlocks, labelCount: labelCount,
            model: self
        ).entries.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}
