import Tensor

/// The training runs of a ``Fitting``: each kept in the journal, and gone on with after a crash where it was.
struct FittingRuns {
    let fitting: Fitting
    let log: FittingLog
    let scoring: HeldOutScoring

    /// Trains without `held`, and segments these after each of `marks`; at once when the journal has it.
    func heldOut(
        _ key: String, _ settings: AdaptationSettings, held: [Int], marks: [Int], phase: FittingProgress.Phase
    ) throws -> FittingJournal.Run {
        if let known = log.journal.run(key), known.isDone {
            log.finishRun()
            return known
        }
        let start = log.elapsed
        let members = fitting.examples(without: held)
        let trainer = Trainer(model: fitting.model, support: fitting.support, settings: settings, members: members)
        let cache = cache(of: trainer)
        // A tile says little about its image.
        let isWhole = settings.tileSide == nil
        let influenceMark =
            isWhole && isInfluenceAffordable(settings) && !key.hasPrefix("half") ? marks[marks.count / 2] : 0
        _ = try train(trainer, key, stopAfter: marks[marks.count - 1], phase: phase) { state in
            guard marks.contains(state.step) else { return }
            let scores = try scoring.ofAdapter(trainer.adjustments(state), settings.kind, cache, without: held)
            let gains =
                state.step == influenceMark ? try gains(trainer, state, cache, trained: members, held: held) : []
            log.journal.update(key) { run in
                run.marks.append(FittingJournal.Mark(step: state.step, scores: scores))
                run.influence += gains
            }
        }
        log.journal.update(key) { run in
            run.isDone = true
            run.seconds = log.elapsed - (run.began ?? start)
        }
        log.finishRun()
        try log.save(nil)
        return log.journal.run(key) ?? FittingJournal.Run(key: key)
    }

    /// The fit on all examples.
    func final(_ settings: AdaptationSettings, stopAfter: Int) throws -> TrainedAdapter {
        try train(trainer(settings), "final", stopAfter: stopAfter, phase: .final) { _ in }
    }

    /// The mean of adapters to all examples but those of one fold, for each fold: every example is in all of them but one.
    func ensemble(
        _ settings: AdaptationSettings, stopAfter: Int, _ plan: FoldPlan
    ) throws -> TrainedAdapter {
        let trained = try plan.folds.enumerated().map { number, held in
            let trainer = trainer(settings, members: fitting.examples(without: held))
            if number < log.members.count {
                log.finishRun()
                return try trainer.restored(log.members[number])
            }
            let member = try train(
                trainer, "member/\(number)", stopAfter: stopAfter,
                phase: .member(number: number + 1, count: plan.folds.count)
            ) { _ in }
            log.add(member: member.member)
            log.finishRun()
            try log.save(nil)
            return member
        }
        return try .mean(of: trained, supportCount: fitting.exampleCount)
    }

    /// Of what is served: it starts from the version before, and bears the task's name.
    private func trainer(_ settings: AdaptationSettings, members: [Int]? = nil) -> Trainer {
        Trainer(
            model: fitting.model, support: fitting.support, settings: settings, members: members,
            beginning: fitting.previous?.adapter, taskName: fitting.taskName, labels: fitting.labels)
    }

    private func train(
        _ trainer: Trainer, _ key: String, stopAfter: Int, phase: FittingProgress.Phase,
        visit: @escaping (TrainerState) throws -> Void
    ) throws -> TrainedAdapter {
        let resuming = log.takeOpen(of: trainer)
        // Only the run that was under way has a state; an entry in the journal without it is begun anew.
        if resuming == nil { log.journal.update(key) { $0 = FittingJournal.Run(key: key, began: log.elapsed) } }
        return try trainer.run(
            resuming: resuming, cache: cache(of: trainer), stopAfter: stopAfter,
            hooks: Trainer.Hooks(
                checkpointEvery: 1, checkpoint: log.save, isCancelled: log.isCancelled,
                progress: { told in
                    (try? log.report(phase, step: told.step, steps: told.steps, loss: told.loss)) != nil
                },
                visit: visit))
    }

    private func cache(of trainer: Trainer) -> EncodingCache {
        scoring.cache(firstAdaptedBlock: trainer.layout.blocks.lowerBound)
    }

    // MARK: Influence

    /// Gradients of every example in every run: worth a tenth of the budget, not more.
    private func isInfluenceAffordable(_ settings: AdaptationSettings) -> Bool {
        let speed = log.journal.speed
        let each = speed.decoderSeconds + (settings.kind.trainsEncoder ? speed.encoderSeconds : 0)
        return Double(fitting.support.items.count * FoldPlan.foldCount) * each <= 0.1 * fitting.recipe.budgetSeconds
    }

    private func gains(
        _ trainer: Trainer, _ state: TrainerState, _ cache: EncodingCache, trained: [Int], held: [Int]
    ) throws -> [FittingJournal.Gain] {
        func gradient(_ example: Int) throws -> [Tensor] {
            try trainer.gradient(of: example, at: state, cache, isCancelled: log.isCancelled)
        }
        let influence = Influence(
            held: try held.map(gradient), state: state, settings: trainer.settings, trainedCount: trained.count)
        // Gradients are not clipped here, so that those of a run which is about to end in a loss beyond all numbers may be beyond them already.
        return try trained.map { FittingJournal.Gain(example: $0, gain: influence.gain(of: try gradient($0))) }
            .filter(\.gain.isFinite)
    }
}
