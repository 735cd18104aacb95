import SegmentAnything

/// One run of a ``Fitting``: which recipes are tried, which is best, and what is said of it.
struct FittingSession {
    /// Better by less than this is no reason to take a costlier recipe or an earlier stop: it is noise, and choosing by it
    /// would flatter the held-out scores.
    private static let noise = 0.005

    private let fitting: Fitting
    private let log: FittingLog
    private let scoring: HeldOutScoring
    private let runs: FittingRuns

    init(_ fitting: Fitting, log: FittingLog) {
        self.fitting = fitting
        self.log = log
        scoring = HeldOutScoring(fitting, log: log)
        runs = FittingRuns(fitting: fitting, log: log, scoring: scoring)
    }

    private var configuration: Configuration { fitting.model.configuration }
    private var exampleCount: Int { fitting.exampleCount }

    func run() throws -> Fitted {
        let recipe = fitting.recipe
        let isTiled = recipe.settings.tileSide != nil
        guard let plan = FoldPlan(fitting.patients, seed: recipe.settings.seed, isTiled: isTiled) else {
            let settings = log.journal.speed.fitted(
                recipe, recipe.conservative(), examples: exampleCount, runs: 1, configuration: configuration)
            let trained = try runs.final(settings, stopAfter: settings.steps)
            return Fitted(
                trained: trained, settings: settings,
                tried: [.init(settings: settings, steps: settings.steps, dice: nil, isChosen: true)], heldOut: nil,
                seconds: log.elapsed)
        }
        let candidates = recipe.candidates().map {
            log.journal.speed.fitted(
                recipe, $0, examples: exampleCount, runs: plan.folds.count + recipe.finalRuns(plan),
                configuration: configuration)
        }
        log.plannedRuns = Double(candidates.count * plan.folds.count + plan.halves.count + recipe.finalRuns(plan))
        let base = try scoring.ofBase(plan)
        let previous = try scoring.ofPrevious()
        let outcomes = try tried(candidates, plan, base)
        guard let best = Self.best(outcomes) else { preconditionFailure("the first recipe is always run") }
        let halves = try halves(best, plan)
        let trained =
            try recipe.isEnsemble
            ? runs.ensemble(best.settings, stopAfter: best.mark.step, plan)
            : runs.final(best.settings, stopAfter: best.mark.step)
        let comparison = fitting.previous.flatMap { version in
            HeldOut.Comparison(
                previous: previous, served: version.served, adapted: best.mark.scores, base: base,
                patients: fitting.patients.groups, margin: recipe.margin)
        }
        let heldOut = HeldOut(
            plan: plan, patients: fitting.patients, base: base, adapted: best.mark.scores, margin: recipe.margin,
            influence: influence(best, plan),
            moreExamples: LearningCurve(
                full: best.mark.scores, half: halves, plan: plan, patients: fitting.patients)?.doubling,
            previous: comparison)
        return Fitted(
            trained: trained, settings: best.settings,
            tried: candidates.enumerated().map { index, settings in
                let outcome = outcomes.first { $0.index == index }
                return Fitted.Tried(
                    settings: settings, steps: outcome?.mark.step, dice: outcome?.dice,
                    isChosen: index == best.index)
            },
            heldOut: heldOut, seconds: log.elapsed)
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
                log.plannedRuns -= Double(plan.folds.count)
                continue
            }
            var marks: [Int: [HeldOutScore]] = [:]
            for (number, held) in plan.folds.enumerated() {
                let run = try runs.heldOut(
                    Self.key(index, fold: number), settings, held: held, marks: fitting.recipe.marks(settings),
                    phase: .fold(number: number + 1, count: plan.folds.count, recipe: index + 1))
                for mark in run.marks { marks[mark.step, default: []] += mark.scores }
            }
            // By example, as the base model's scores are.
            let measured = marks.sorted { $0.key < $1.key }.map { step, scores in
                let mark = FittingJournal.Mark(step: step, scores: scores.byExample())
                return Outcome(
                    index: index, settings: settings, mark: mark, dice: answeredDice(mark.scores, base: base))
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

    private func isStarted(_ index: Int) -> Bool { log.journal.run(Self.key(index, fold: 0)) != nil }

    /// Whether the folds of one more recipe, and the final fit, still fit into the budget, at the pace of the runs so far.
    private func isAffordable(_ settings: AdaptationSettings, _ first: AdaptationSettings, _ plan: FoldPlan) -> Bool {
        let done = log.journal.runs.filter { $0.isDone && $0.key.hasPrefix("fold/0/") }
        let pace = done.reduce(0) { $0 + $1.seconds } / Double(max(done.count, 1))
        let ratio = work(settings) / work(first)
        let left = plan.folds.count + fitting.recipe.finalRuns(plan)
        return log.elapsed + pace * ratio * Double(left) <= fitting.recipe.budgetSeconds
    }

    private func work(_ settings: AdaptationSettings) -> Double {
        Double(settings.steps)
            * log.journal.speed.stepSeconds(settings, configuration, labelCount: fitting.recipe.labelCount)
    }

    private static func key(_ candidate: Int, fold: Int) -> String { "fold/\(candidate)/\(fold)" }

    /// The mean over the kinds of prompts of the Dice of whoever does better there: the gate leaves a kind to the base model.
    private func answeredDice(_ adapted: [HeldOutScore], base: [HeldOutScore]) -> Double {
        let dice = HeldOutScorer.kinds.map { kind in max(mean(adapted, kind), mean(base, kind)) }
        return dice.reduce(0, +) / Double(dice.count)
    }

    /// Over patients, as the gate counts.
    private func mean(_ scores: [HeldOutScore], _ kind: PromptKind) -> Double {
        let means = Gate.mean(scores.filter { $0.prompt == kind }, fitting.patients.groups)
        // In the order of the patients: a sum depends on its order.
        return means.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value } / Double(max(means.count, 1))
    }

    // MARK: What the runs say beside the scores

    /// The median over the runs that an example was in, as the loss holds one minus the Dice. Not the mean: one example with a
    /// wrong mask, held out, makes all that trained without it look bad in that run.
    private func influence(_ best: Outcome, _ plan: FoldPlan) -> [Double?] {
        var gains = [[Double]](repeating: [], count: exampleCount)
        for number in plan.folds.indices {
            for gain in log.journal.run(Self.key(best.index, fold: number))?.influence ?? [] {
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
        let pace = log.journal.run(Self.key(best.index, fold: 0))?.seconds ?? 0
        let isStarted = keys.contains { log.journal.run($0) != nil }
        let left = Double(keys.count + fitting.recipe.finalRuns(plan))
        guard isStarted || log.elapsed + left * pace <= fitting.recipe.budgetSeconds else {
            log.plannedRuns -= Double(keys.count)
            return []
        }
        var scores: [HeldOutScore] = []
        for (number, held) in plan.halves.enumerated() {
            let run = try runs.heldOut(
                keys[number], best.settings, held: held, marks: [best.mark.step], phase: .half(number: number + 1))
            scores += run.marks.flatMap(\.scores)
        }
        return scores.byExample()
    }
}
