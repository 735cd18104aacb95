import Adaptation
import Foundation

/// Checkpoints of one adaptation: a run that is stopped in the middle of it, however short its time, leaves what it did to the next.
final class TrainingPauses {
    /// When the part began that the journal does not know yet.
    private(set) var lastBegan = ContinuousClock.now
    private let arm: Arm
    private let path: String
    private let journal: Journal
    private var latest: TrainerCheckpoint?
    /// A crash costs at most this much.
    private static let interval = Duration.seconds(60)

    init(arm: Arm, folder: String, journal: Journal) {
        self.arm = arm
        path = "\(folder)/adapters/\(arm.name).checkpoint"
        self.journal = journal
    }

    /// Trains, from the checkpoint that is left of this training, if there is one.
    ///
    /// - Throws: `AdaptationError`, `.cancelled` when `shouldStop` said so; `EvaluationError.unwritable`.
    func run(
        _ trainer: Trainer, _ shouldStop: () -> Bool, progress: (TrainingProgress) -> Void
    ) throws -> TrainedAdapter {
        let found = try? TrainerCheckpoint(path: path)
        do {
            return try trainer.run(
                resuming: found.flatMap { trainer.accepts($0) ? $0 : nil }, checkpointEvery: 1,
                checkpoint: { checkpoint in
                    latest = checkpoint
                    if .now - lastBegan > Self.interval { try pause() }
                },
                isCancelled: shouldStop,
                progress: { told in
                    progress(told)
                    return true
                })
        } catch AdaptationError.cancelled(let step) {
            try pause()
            throw AdaptationError.cancelled(step: step)
        }
    }

    /// The adapter is written, or there will be none: nobody goes on from here.
    func end() { try? FileManager.default.removeItem(atPath: path) }

    private func pause() throws(EvaluationError) {
        guard let checkpoint = latest else { return }
        try EvaluationError.writing(path) { try checkpoint.write(to: $0) }
        latest = nil
        try journal.append(Journal.Pause(arm: arm, seconds: (.now - lastBegan) / .seconds(1)))
        lastBegan = .now
    }
}
