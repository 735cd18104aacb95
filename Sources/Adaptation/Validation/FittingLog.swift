/// What one run of a ``Fitting`` has found out so far, and what it tells of it: the journal, the clock, how far it is.
final class FittingLog {
    var journal: FittingJournal
    /// Of an ensemble, those that are trained.
    private(set) var members: [FittingCheckpoint.Member]
    /// Training runs that are expected, for the fraction done.
    var plannedRuns = 1.0

    private let hooks: Fitting.Hooks
    /// The state of the run that was under way when the journal was written.
    private var open: TrainerCheckpoint?
    private var finishedRuns = 0.0
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private let secondsBefore: Double

    init(
        journal: FittingJournal, open: TrainerCheckpoint?, members: [FittingCheckpoint.Member], hooks: Fitting.Hooks
    ) {
        self.journal = journal
        self.open = open
        self.members = members
        self.hooks = hooks
        began = clock.now
        secondsBefore = journal.seconds
    }

    /// Seconds of work, before a resumption too.
    var elapsed: Double { secondsBefore + (clock.now - began) / .seconds(1) }

    var isCancelled: () -> Bool { hooks.isCancelled }

    /// Throws when the work is to end.
    func pause() throws {
        guard !hooks.isCancelled() else { throw AdaptationError.cancelled(step: 0) }
    }

    /// The state of `trainer`'s run, once, where it was under way when the journal was written.
    func takeOpen(of trainer: Trainer) -> TrainerCheckpoint? {
        guard let state = open, state.belongs(to: trainer.identity) else { return nil }
        open = nil
        return state
    }

    func add(member: FittingCheckpoint.Member) { members.append(member) }

    func finishRun() { finishedRuns += 1 }

    /// - Parameter run: The state of the run under way.
    func save(_ run: TrainerCheckpoint?) throws {
        journal.seconds = elapsed
        try hooks.checkpoint(FittingCheckpoint(journal: journal, run: run, members: members))
    }

    /// - Throws: `AdaptationError.cancelled` where whoever is told wants the end.
    func report(_ phase: FittingProgress.Phase, step: Int, steps: Int, loss: Float?) throws {
        let current = phase == .scoring ? 0 : Double(step) / Double(max(steps, 1))
        let fraction = min(1, (finishedRuns + current) / max(plannedRuns, 1))
        let remaining: Duration? = fraction > 0.02 ? .seconds(elapsed * (1 - fraction) / fraction) : nil
        let progress = FittingProgress(
            phase: phase, step: step, steps: steps, loss: loss, fraction: fraction, remaining: remaining)
        guard hooks.progress(progress) else { throw AdaptationError.cancelled(step: step) }
    }
}
