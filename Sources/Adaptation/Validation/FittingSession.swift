import Imaging
import SegmentAnything
import Tensor

/// One run of a `Fitting`: its journal, caches and clock.
final class FittingSession {
    /// Better by less than this is no reason to take a costlier recipe or an earlier stop: it is noise, and choosing by it
    /// would flatter the held-out scores.
    static let noise = 0.005

    private let fitting: Fitting
    private let scorer: HeldOutScorer
    private let hooks: Fitting.Hooks
    private var journal: FittingJournal
    /// The state of the run that was under way when the journal was written.
    private var open: TrainerCheckpoint?
    /// Of an ensemble, those that are trained.
    private var members: [FittingCheckpoint.Member]
    private var caches: [Int: EncodingCache] = [:]
    /// By the images that were held out: what the others teach the base model.
    private var profiles: [[Int]: [SupportProfile]] = [:]
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private let secondsBefore: Double
    /// Training runs that are expected, for the fraction done.
    private var plannedRuns = 1.0
    private var finishedRuns = 0.0

    init(
        _ fitting: Fitting, journal: FittingJournal, open: TrainerCheckpoint?, members: [FittingCheckpoint.Member],
        hooks: Fitting.Hooks
    ) {
        self.fitting = fitting
        self.journal = journal
        self.open = open
        self.members = members
        self.hooks = hooks
        scorer = HeldOutScorer(support: fitting.support, spacing: fitting.spacing, seed: fitting.recipe.settings.seed)
        began = clock.now
        secondsBefore = journal.seconds
    }

    private var elapsed: Double { secondsBefore + (clock.now - began) / .seconds(1) }
    private var configuration: Configuration { fitting.model.configuration }
    private var exampleCount: Int { fitting.support.examples.count }

    func run() throws -> Fitted {
        let recipe = fitting.recipe
        let isTiled = recipe.settings.tileSide != nil
        guard let plan = FoldPlan(fitting.patients, seed: recipe.settings.seed, isTiled: isTiled) else {
            let settings = journal.speed.fitted(
                recipe, recipe.conservative(), examples: exampleCount, runs: 1, configuration: configuration)
            let trained = try final(settings, stopAfter: settings.steps)
            return Fitted(
                trained: trained, settings: settings,
                tried: [.init(settings: settings, steps: settings.steps, dice: nil, isChosen: true)], heldOut: nil,
                seconds: elapsed)
        }
        let candidates = recipe.candidates().map {
            journal.speed.fitted(
                recipe, $0, examples: exampleCount, runs: plan.folds.count + recipe.finalRuns(plan),
                configuration: configuration)
        }
        plannedRuns = Double(candidates.count * plan.folds.count + plan.halves.count + recipe.finalRuns(plan))
        let base = try baseScores(plan)
        let previous = try previousScores()
        let outcomes = try tried(candidates, plan, base)
        guard let best = Self.best(outcomes) else { preconditionFailure("the first recipe is always run") }
        let halves = try halves(best, plan)
        let trained =
            try recipe.isEnsemble
            ? ensemble(best.settings, stopAfter: best.mark.step, plan) : final(best.settings, stopAfter: best.mark.step)
        let heldOut = HeldOut(
            plan: plan, patients: fitting.patients, base: base, adapted: best.mark.scores, margin: recipe.margin,
            influence: influence(best, plan),
            moreExamples: LearningCurve(
                full: best.mark.scores, half: halves, plan: plan, patients: fitting.patients)?.doubling,
            previous: comparison(previous, best.mark.scores))
        return Fitted(
            trained: trained, settings: best.settings,
            tried: candidates.enumerated().map { index, settings in
                let outcome = outcomes.first { $0.index == index }
                return Fitted.Tried(
                    settings: settings, steps: outcome?.mark.step, dice: outcome?.dice,
                    isChosen: index == best.index)
            },
            heldOut: heldOut, seconds: elapsed)
    }

    // MARK: Recipes

    /// A recipe with the scores of all folds, after the steps that suited it best.
    struct Outcome {
        let index: Int
        let settings: AdaptationSettings
        let mark: FittingJournal.Mark
        let dice: Double
    }

    private func tried(
        _ candidates: [AdaptationSettings], _ plan: FoldPlan, _ base: [HeldOutScore]
    ) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for (index, settings) in candidates.enumerated() {
            guard index == 0 || isStarted(index) || isAffordable(settings, candidates[0], plan) else {
                plannedRuns -= Double(plan.folds.count)
                continue
            }
            var marks: [Int: [HeldOutScore]] = [:]
            for (number, held) in plan.folds.enumerated() {
                let run = try self.run(
                    Self.key(index, fold: number), settings, held: held, marks: fitting.recipe.marks(settings),
                    phase: .fold(number: number + 1, count: plan.folds.count, recipe: index + 1))
                for mark in run.marks { marks[mark.step, default: []] += mark.scores }
            }
            // By example, as the base model's scores are.
            let measured = marks.sorted { $0.key < $1.key }.map { step, scores in
                let mark = FittingJournal.Mark(step: step, scores: Self.sorted(scores))
                return Outcome(
                    index: index, settings: settings, mark: mark, dice: Self.answeredDice(mark.scores, base: base))
            }
            // The full length, unless an earlier stop is clearly better.
            var best = measured[measured.count - 1]
            for outcome in measured.reversed() where outcome.dice > best.dice + Self.noise { best = outcome }
            outcomes.append(best)
        }
        return outcomes
    }

    /// The first, unless a later one is clearly better.
    static func best(_ outcomes: [Outcome]) -> Outcome? {
        outcomes.dropFirst().reduce(outcomes.first) { best, outcome in
            guard let best, outcome.dice <= best.dice + noise else { return outcome }
            return best
        }
    }

    private func isStarted(_ index: Int) -> Bool { journal.run(Self.key(index, fold: 0)) != nil }

    /// Whether the folds of one more recipe, and the final fit, still fit into the budget, at the pace of the runs so far.
    private func isAffordable(_ settings: AdaptationSettings, _ first: AdaptationSettings, _ plan: FoldPlan) -> Bool {
        let done = journal.runs.filter { $0.isDone && $0.key.hasPrefix("fold/0/") }
        let pace = done.reduce(0) { $0 + $1.seconds } / Double(max(done.count, 1))
        let ratio =
            work(settings) / work(first)
        let runs = plan.folds.count + fitting.recipe.finalRuns(plan)
        return elapsed + pace * ratio * Double(runs) <= fitting.recipe.budgetSeconds
    }

    private func work(_ settings: AdaptationSettings) -> Double {
        Double(settings.steps) * journal.speed.stepSeconds(settings, configuration)
    }

    private static func key(_ candidate: Int, fold: Int) -> String { "fold/\(candidate)/\(fold)" }

    private static func sorted(_ scores: [HeldOutScore]) -> [HeldOutScore] {
        scores.enumerated().sorted { ($0.element.example, $0.offset) < ($1.element.example, $1.offset) }.map(\.element)
    }

    /// The mean over the kinds of prompts of the Dice of whoever does better there: the gate leaves a kind to the base model.
    private static func answeredDice(_ adapted: [HeldOutScore], base: [HeldOutScore]) -> Double {
        let dice = HeldOutScorer.kinds.map { kind in max(mean(adapted, kind), mean(base, kind)) }
        return dice.reduce(0, +) / Double(dice.count)
    }

    private static func mean(_ scores: [HeldOutScore], _ kind: PromptKind) -> Double {
        let scores = scores.filter { $0.prompt == kind }
        return scores.reduce(0) { $0 + $1.dice } / Double(max(scores.count, 1))
    }

    // MARK: Scores of others

    /// Each image by the base model and what the other folds' images have taught of it: as the task answers while no adapter
    /// does, with every choice made without the image.
    private func baseScores(_ plan: FoldPlan) throws -> [HeldOutScore] {
        if let known = journal.base { return known }
        try report(.scoring, step: 0, steps: exampleCount, loss: nil)
        let predictor = LabelledPredictor(Predictor(fitting.model))
        var scores: [HeldOutScore] = []
        var done = 0
        for held in plan.folds {
            let unaided = HeldOutScorer.Unaided(
                isAdapted: false, profiles: try baseProfiles(without: held, isAdapted: false))
            for example in held {
                scores += try scorer.scores(
                    example, predictor, try wholeEmbedding(example), unaided, isCancelled: hooks.isCancelled)
                done += 1
                try report(.scoring, step: done, steps: exampleCount, loss: nil)
            }
        }
        // By example, as they are compared.
        scores = Self.sorted(scores)
        journal.base = scores
        try save(nil)
        return scores
    }

    /// The base model's of all of an image: nobody cuts images into tiles before a task has an adapter.
    private func wholeEmbedding(_ example: Int) throws -> ImageEmbedding {
        try wholeEmbedding(example, cache(firstAdaptedBlock: configuration.depth), .none)
    }

    /// Of all of an image under `adjustment`, from what is kept of it.
    private func wholeEmbedding(
        _ example: Int, _ cache: EncodingCache, _ adjustment: Adjustment
    ) throws -> ImageEmbedding {
        guard cache.tiling != nil else { return try embedding(example, cache, adjustment) }
        let image = fitting.support.examples[example].image
        let all = PixelBox(x0: 0, y0: 0, x1: image.width - 1, y1: image.height - 1)
        return try finished(
            try cache.encoding(tile: all, of: example, isCancelled: hooks.isCancelled), cache, adjustment)
    }

    // MARK: What a fold's images teach without training

    /// Of all examples but `held`, seen by the base model's encoder.
    ///
    /// - Parameter isAdapted: Whether an adapter of the decoder alone answers: it has the same embeddings, and asks for no other
    ///   way than its own.
    private func baseProfiles(without held: [Int], isAdapted: Bool) throws -> [SupportProfile] {
        if let known = profiles[held] { return isAdapted ? known.map { $0.byItself() } : known }
        let predictor = LabelledPredictor(Predictor(fitting.model))
        let made = try learned(others(held), predictor, isAdapted: isAdapted) { try wholeEmbedding($0) }
        if !isAdapted { profiles[held] = made }
        return made
    }

    private func learned(
        _ members: [Int], _ predictor: LabelledPredictor, isAdapted: Bool, embed: (Int) throws -> ImageEmbedding
    ) throws -> [SupportProfile] {
        let profiler = SupportProfiler(predictor, isAdapted: isAdapted, pause: pause)
        return try profiler.promptless(
            members.map { fitting.support.examples[$0] }, try members.map(embed), labelCount: fitting.support.labelCount
        )
    }

    /// Throws when the work is to end.
    private func pause() throws {
        guard !hooks.isCancelled() else { throw AdaptationError.cancelled(step: 0) }
    }

    private func others(_ held: [Int]) -> [Int] { (0..<exampleCount).filter { !held.contains($0) } }

    /// Of the version before on what it has not seen.
    private func previousScores() throws -> [HeldOutScore] {
        if let known = journal.previous { return known }
        guard let previous = fitting.previous, previous.exampleCount < exampleCount else { return [] }
        let predictor = LabelledPredictor(fitting.model, adjustments: previous.adapter.adjustments)
        func embed(_ example: Int) throws -> ImageEmbedding {
            try predictor.embed(fitting.support.examples[example].image, pause: pause)
        }
        // As it answers today; of an imported one's images nothing is known.
        let unaided = HeldOutScorer.Unaided(
            isAdapted: true,
            profiles: previous.exampleCount == 0
                ? nil : try learned(Array(0..<previous.exampleCount), predictor, isAdapted: true, embed: embed))
        var scores: [HeldOutScore] = []
        for example in previous.exampleCount..<exampleCount {
            let embedding = try embed(example)
            if let tiling = previous.adapter.card.tiling {
                let image = fitting.support.examples[example].image
                let tiled = TiledImage(width: image.width, height: image.height, tiling: tiling, by: predictor[0]) {
                    try predictor.embed(image, window: $0, pause: self.pause)
                }
                scores += try scorer.scores(example, tiled, embedding, unaided, isCancelled: hooks.isCancelled)
            } else {
                scores += try scorer.scores(example, predictor, embedding, unaided, isCancelled: hooks.isCancelled)
            }
        }
        journal.previous = scores
        return scores
    }

    private func comparison(_ previous: [HeldOutScore], _ adapted: [HeldOutScore]) -> HeldOut.Comparison? {
        guard let first = previous.first?.example else { return nil }
        let (groups, isNew) = (fitting.patients.groups, { (score: HeldOutScore) in score.example >= first })
        let pairs = zip(previous, adapted.filter(isNew)).map { (patient: groups[$0.example], value: $1.dice - $0.dice) }
        let losses = Gate.differences(adapted.filter(isNew), previous, groups) { _ in true }
        guard let gain = Interval(pairs, seed: 0), !losses.isEmpty else { return nil }
        return HeldOut.Comparison(
            examples: exampleCount - first, gain: gain, pValue: PairedTest(losses, above: 0).pValue)
    }

    // MARK: What the runs say beside the scores

    /// The median over the runs that an example was in, as the loss holds one minus the Dice. Not the mean: one example with a
    /// wrong mask, held out, makes all that trained without it look bad in that run.
    private func influence(_ best: Outcome, _ plan: FoldPlan) -> [Double?] {
        var gains = [[Double]](repeating: [], count: exampleCount)
        for number in plan.folds.indices {
            for gain in journal.run(Self.key(best.index, fold: number))?.influence ?? [] {
                gains[gain.example].append(gain.gain)
            }
        }
        return gains.map { gains in
            let sorted = gains.sorted()
            return sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }
    }

    /// Scores of runs on half of the examples; empty where there is no time for them.
    private func halves(_ best: Outcome, _ plan: FoldPlan) throws -> [HeldOutScore] {
        let keys = plan.halves.indices.map { "half/\($0)" }
        let pace = journal.run(Self.key(best.index, fold: 0))?.seconds ?? 0
        let isStarted = keys.contains { journal.run($0) != nil }
        let runs = Double(keys.count + fitting.recipe.finalRuns(plan))
        guard isStarted || elapsed + runs * pace <= fitting.recipe.budgetSeconds else {
            plannedRuns -= Double(keys.count)
            return []
        }
        var scores: [HeldOutScore] = []
        for (number, held) in plan.halves.enumerated() {
            let run = try self.run(
                keys[number], best.settings, held: held, marks: [best.mark.step], phase: .half(number: number + 1))
            scores += run.marks.flatMap(\.scores)
        }
        return Self.sorted(scores)
    }

    // MARK: Training

    private func final(_ settings: AdaptationSettings, stopAfter: Int) throws -> TrainedAdapter {
        let trainer = Trainer(
            model: fitting.model, support: fitting.support, settings: settings, beginning: fitting.previous?.adapter,
            taskName: fitting.taskName, labels: fitting.labels)
        return try train(trainer, "final", stopAfter: stopAfter, phase: .final) { _ in }
    }

    /// The mean of adapters to all examples but those of one fold, for each fold: every example is in all of them but one.
    private func ensemble(
        _ settings: AdaptationSettings, stopAfter: Int, _ plan: FoldPlan
    ) throws -> TrainedAdapter {
        let trained = try plan.folds.enumerated().map { number, held in
            let trainer = Trainer(
                model: fitting.model, support: fitting.support, settings: settings, members: others(held),
                beginning: fitting.previous?.adapter, taskName: fitting.taskName, labels: fitting.labels)
            if number < members.count {
                finishedRuns += 1
                return try trainer.restored(members[number])
            }
            let member = try train(
                trainer, "member/\(number)", stopAfter: stopAfter,
                phase: .member(number: number + 1, count: plan.folds.count)
            ) { _ in }
            members.append(member.member)
            finishedRuns += 1
            try save(nil)
            return member
        }
        return try .mean(of: trained, supportCount: exampleCount)
    }

    /// Trains without `held`, and segments these after each of `marks`; at once when the journal has it.
    private func run(
        _ key: String, _ settings: AdaptationSettings, held: [Int], marks: [Int], phase: FittingProgress.Phase
    ) throws -> FittingJournal.Run {
        if let known = journal.run(key), known.isDone {
            finishedRuns += 1
            return known
        }
        let start = elapsed
        let members = others(held)
        let trainer = Trainer(model: fitting.model, support: fitting.support, settings: settings, members: members)
        let cache = cache(firstAdaptedBlock: trainer.layout.blocks.lowerBound)
        // A tile says little about its image.
        let isWhole = settings.tileSide == nil
        let influenceMark =
            isWhole && isInfluenceAffordable(settings) && !key.hasPrefix("half") ? marks[marks.count / 2] : 0
        _ = try train(trainer, key, stopAfter: marks[marks.count - 1], phase: phase) { [self] state in
            guard marks.contains(state.step) else { return }
            var scores: [HeldOutScore] = []
            let adjustments = trainer.adjustments(state)
            let unaided = try unaided(held, settings.kind, cache, adjustments)
            for example in held { scores += try self.scores(example, cache, adjustments, unaided) }
            let gains =
                state.step == influenceMark ? try gains(trainer, state, cache, trained: members, held: held) : []
            journal.update(key) { run in
                run.marks.append(FittingJournal.Mark(step: state.step, scores: scores))
                run.influence += gains
            }
        }
        journal.update(key) { run in
            run.isDone = true
            run.seconds += elapsed - start
        }
        finishedRuns += 1
        try save(nil)
        return journal.run(key) ?? FittingJournal.Run(key: key)
    }

    /// What the images that an adapter was trained on teach beside it.
    private func unaided(
        _ held: [Int], _ kind: AdapterKind, _ cache: EncodingCache, _ adjustments: [Adjustment]
    ) throws -> HeldOutScorer.Unaided {
        guard kind.trainsEncoder else {
            return HeldOutScorer.Unaided(
                isAdapted: true, profiles: try baseProfiles(without: held, isAdapted: true))
        }
        let predictor = LabelledPredictor(fitting.model, adjustments: adjustments)
        return HeldOutScorer.Unaided(
            isAdapted: true,
            profiles: try learned(others(held), predictor, isAdapted: true) {
                try wholeEmbedding($0, cache, adjustments[0])
            })
    }

    /// Of the model under `adjustments`, one for each label, as it would be served.
    private func scores(
        _ example: Int, _ cache: EncodingCache, _ adjustments: [Adjustment], _ unaided: HeldOutScorer.Unaided
    ) throws -> [HeldOutScore] {
        let predictor = LabelledPredictor(fitting.model, adjustments: adjustments)
        // By the adjustment of any label: they have the encoder in common.
        let whole = try wholeEmbedding(example, cache, adjustments[0])
        guard let tiling = cache.tiling else {
            return try scorer.scores(example, predictor, whole, unaided, isCancelled: hooks.isCancelled)
        }
        let image = fitting.support.examples[example].image
        let tiled = TiledImage(width: image.width, height: image.height, tiling: tiling, by: predictor[0]) { window in
            try self.finished(
                try cache.encoding(tile: window, of: example, isCancelled: self.hooks.isCancelled), cache,
                adjustments[0])
        }
        return try scorer.scores(example, tiled, whole, unaided, isCancelled: hooks.isCancelled)
    }

    /// The embedding of an example's plain view under `adjustment`, from what is kept of it.
    private func embedding(
        _ example: Int, _ cache: EncodingCache, _ adjustment: Adjustment
    ) throws -> ImageEmbedding {
        let encoding = try cache.encoding(view: 0, of: example, isCancelled: hooks.isCancelled)
        return try finished(encoding, cache, adjustment)
    }

    /// What is left of the encoder, under `adjustment`.
    private func finished(
        _ encoding: EncodingCache.Encoding, _ cache: EncodingCache, _ adjustment: Adjustment
    ) throws -> ImageEmbedding {
        var activations = encoding.activations
        if cache.firstAdaptedBlock < configuration.depth {
            activations = try ImageEncoder(fitting.model, adjustment: adjustment)
                .finish(Value(activations), from: cache.firstAdaptedBlock, pause: pause).tensor
        }
        return ImageEmbedding(tensor: activations, geometry: encoding.geometry)
    }

    /// Gradients of every example in every run: worth a tenth of the budget, not more.
    private func isInfluenceAffordable(_ settings: AdaptationSettings) -> Bool {
        let each = journal.speed.decoderSeconds + (settings.kind.trainsEncoder ? journal.speed.encoderSeconds : 0)
        return Double(fitting.support.items.count * FoldPlan.foldCount) * each <= 0.1 * fitting.recipe.budgetSeconds
    }

    private func gains(
        _ trainer: Trainer, _ state: TrainerState, _ cache: EncodingCache, trained: [Int], held: [Int]
    ) throws -> [FittingJournal.Gain] {
        func gradient(_ example: Int) throws -> [Tensor] {
            try trainer.gradient(of: example, at: state, cache, isCancelled: hooks.isCancelled)
        }
        let influence = Influence(
            held: try held.map(gradient), state: state, settings: trainer.settings, trainedCount: trained.count)
        return try trained.map { FittingJournal.Gain(example: $0, gain: influence.gain(of: try gradient($0))) }
    }

    private func train(
        _ trainer: Trainer, _ key: String, stopAfter: Int, phase: FittingProgress.Phase,
        visit: @escaping (TrainerState) throws -> Void
    ) throws -> TrainedAdapter {
        // Only the run that was under way has a state; an entry in the journal without it is begun anew.
        let isOpen = open?.belongs(to: trainer.identity) == true
        let resuming = isOpen ? open : nil
        if isOpen { open = nil } else { journal.update(key) { $0 = FittingJournal.Run(key: key) } }
        return try trainer.run(
            resuming: resuming, cache: cache(firstAdaptedBlock: trainer.layout.blocks.lowerBound), stopAfter: stopAfter,
            hooks: Trainer.Hooks(
                checkpointEvery: 1, checkpoint: { [self] in try save($0) }, isCancelled: hooks.isCancelled,
                progress: { [self] told in
                    (try? report(phase, step: told.step, steps: told.steps, loss: told.loss)) != nil
                },
                visit: visit))
    }

    private func cache(firstAdaptedBlock: Int) -> EncodingCache {
        if let known = caches[firstAdaptedBlock] { return known }
        let settings = fitting.recipe.settings
        let cache = EncodingCache(
            model: fitting.model, support: fitting.support, firstAdaptedBlock: firstAdaptedBlock,
            tiling: settings.tiling, room: settings.cacheBytes, seed: settings.seed)
        caches[firstAdaptedBlock] = cache
        return cache
    }

    // MARK: Telling

    private func save(_ run: TrainerCheckpoint?) throws {
        journal.seconds = elapsed
        try hooks.checkpoint(FittingCheckpoint(journal: journal, run: run, members: members))
    }

    private func report(_ phase: FittingProgress.Phase, step: Int, steps: Int, loss: Float?) throws {
        let current = phase == .scoring ? 0 : Double(step) / Double(max(steps, 1))
        let fraction = min(1, (finishedRuns + current) / max(plannedRuns, 1))
        let remaining: Duration? = fraction > 0.02 ? .seconds(elapsed * (1 - fraction) / fraction) : nil
        let progress = FittingProgress(
            phase: phase, step: step, steps: steps, loss: loss, fraction: fraction, remaining: remaining)
        guard hooks.progress(progress) else { throw AdaptationError.cancelled(step: step) }
    }
}
