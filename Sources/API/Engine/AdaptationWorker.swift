import Adaptation
import Basics
package import Imaging
package import Jobs
import SegmentAnything
package import Storage
import Tensor

/// Runs one adaptation job: reads the support set, trains, scores, hands the adapter over.
///
/// It may be killed at any instruction. What it leaves behind then is a checkpoint, written whole or not at all; the adapter
/// becomes visible only with the outcome, in the queue's own transaction.
package struct AdaptationWorker: Worker {
    private let models: ServedModels
    private let store: any Store
    private let gate: InteractiveGate
    private let imageLimits: ImageLimits
    /// A kill costs at most this much training; a checkpoint costs a few megabytes of writing.
    private let checkpointInterval: Duration

    package init(
        models: ServedModels, store: any Store, gate: InteractiveGate, imageLimits: ImageLimits,
        checkpointInterval: Duration = .seconds(2)
    ) {
        self.models = models
        self.store = store
        self.gate = gate
        self.imageLimits = imageLimits
        self.checkpointInterval = checkpointInterval
    }

    package func run(_ job: Job, context: JobContext) throws -> JobOutcome {
        do {
            return try Threads.givingWay(to: gate) { try adapt(job, context) }
        } catch let error as AdaptationError {
            throw Self.failure(error)
        } catch let error as SettingsError {
            throw JobFailure(
                code: "invalid-value", message: "\(error.field) is \(error.found)", hint: "give \(error.expectation)")
        } catch let problem as Problem {
            throw JobFailure(code: problem.kind.rawValue, message: problem.detail, hint: problem.hint)
        } catch let error as StoreError {
            // Only a deletion takes a task's files away under its job.
            let isGone = if case .diskFull = error { false } else { try store.task(job.task) == nil }
            throw isGone
                ? JobFailure(code: "task-deleted", message: "the task was deleted during its job")
                : JobFailure(code: "storage", message: error.cause, hint: error.fix)
        }
    }

    private func adapt(_ job: Job, _ context: JobContext) throws -> JobOutcome {
        guard let task = try store.task(job.task) else { throw StoreError.unknown(kind: "task", id: job.task) }
        let model = try models.model(of: task).model
        let settings = try TaskSettings(stored: task.settingsJSON).settings
        let start = ContinuousClock.now
        context.report(step: 0, of: settings.steps, phase: "reading the support set")
        let examples = try examples(of: task, context)
        let scorer = SupportScorer(model: model, examples: examples, seed: settings.seed)

        context.report(step: 0, of: settings.steps, phase: "scoring the base model")
        let before = try scorer.scores(.base(reason: "before adaptation")) { try pause(context) }
        let trained = try train(task, model, examples, settings, context)
        context.report(step: settings.steps, of: settings.steps, phase: "scoring the adapter")
        let served = ServedAdapter(version: 0, adapter: trained.adapter)
        let after = try scorer.scores(.adapted(served)) { try pause(context) }

        let path = context.scratchDirectory + "/adapter.safetensors"
        try trained.adapter.write(to: path)
        let result = AdaptationResult(
            settings: settings, exampleCount: examples.count, losses: trained.losses, before: before, after: after,
            duration: .now - start)
        return JobOutcome(
            resultJSON: result.json.text(),
            adapter: NewAdapter(
                file: .file(path: path), sha256: trained.adapter.sha256,
                cardJSON: AdapterCard.json(trained.adapter.card).text(), isServed: result.isHelpful))
    }

    private func examples(of task: TaskRecord, _ context: JobContext) throws -> [Example] {
        try store.support(of: task.id).map { example in
            try pause(context)
            let image = try decode(example.image, field: "image[\(example.index)]")
            let mask = try decode(example.mask, field: "mask[\(example.index)]")
            return Example(image: RGBImage(image, window: Preprocessing.window), mask: Mask(mask))
        }
    }

    private func decode(_ file: StoredFile, field: String) throws -> RawImage {
        let path = try store.localPath(file)
        do {
            return try ImageDecoder.decode(path: path, limits: imageLimits)
        } catch {
            throw Problem(error, field: field, name: "the stored file of \(field)")
        }
    }

    private func train(
        _ task: TaskRecord, _ model: SegmentAnythingModel, _ examples: [Example], _ settings: AdaptationSettings,
        _ context: JobContext
    ) throws -> TrainedAdapter {
        let trainer = try Trainer(
            model: model, examples: examples, settings: settings, taskName: task.name, labels: task.labels.map(\.name))
        var latest: TrainerCheckpoint?
        var saved = ContinuousClock.now
        func save(_ checkpoint: TrainerCheckpoint) throws {
            let path = context.scratchDirectory + "/checkpoint.safetensors"
            try checkpoint.write(to: path)
            try context.saveCheckpoint(.file(path: path))
            saved = .now
            latest = nil
        }
        do {
            return try trainer.run(
                resuming: try context.checkpointPath().flatMap { try? TrainerCheckpoint(path: $0) },
                checkpointEvery: 1,
                checkpoint: { checkpoint in
                    latest = checkpoint
                    if ContinuousClock.now - saved >= checkpointInterval { try save(checkpoint) }
                },
                isCancelled: { context.interruption != nil },
                progress: { progress in
                    context.report(
                        step: progress.step, of: progress.steps, loss: Double(progress.loss), phase: "training",
                        fraction: progress.fraction, etaSeconds: progress.remaining.milliseconds / 1e3)
                    return context.interruption == nil
                })
        } catch AdaptationError.cancelled {
            // A stopping server asks for the work done so far; a cancelled job's is of no use to anybody.
            if context.interruption == .stopping, let latest { try save(latest) }
            throw JobInterrupted()
        }
    }

    private func pause(_ context: JobContext) throws {
        gate.giveWay()
        try context.checkInterruption()
    }

    private static func failure(_ error: AdaptationError) -> JobFailure {
        switch error {
        case .noExamples:
            JobFailure(code: "missing-field", message: error.description, hint: "create the task with examples")
        case .sizeMismatch:
            JobFailure(code: "size-mismatch", message: error.description, hint: "a mask has the size of its image")
        case .emptyMask:
            JobFailure(code: "empty-mask", message: error.description, hint: "leave examples without the object out")
        case .nonFinite:
            JobFailure(
                code: "diverged", message: error.description,
                hint: "give smaller learning rates; an earlier adapter, if any, goes on serving")
        case .cancelled:
            JobFailure(code: "cancelled", message: error.description)
        case .checkpointMismatch:
            JobFailure(code: "checkpoint", message: error.description, hint: "create the task again")
        }
    }
}
