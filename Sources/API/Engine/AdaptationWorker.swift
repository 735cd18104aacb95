import Adaptation
import Basics
package import Imaging
package import Jobs
import Posix
import SegmentAnything
package import Storage
import Tensor

/// Runs one adaptation job: reads the support set, holds parts of it out to measure, trains, hands the adapter over.
///
/// It may be killed at any instruction. What it leaves behind then is a checkpoint, written whole or not at all; the adapter
/// becomes visible only with the outcome, in the queue's own transaction.
package struct AdaptationWorker: Worker {
    private let models: ServedModels
    private let store: any Store
    private let gate: InteractiveGate
    private let speeds: SpeedProbes
    private let profiles: SupportProfiles
    private let imageLimits: ImageLimits
    private let memory: MemoryBudget
    /// A kill costs at most this much training; a checkpoint costs a few megabytes of writing.
    private let checkpointInterval: Duration

    package init(
        models: ServedModels, store: any Store, gate: InteractiveGate, speeds: SpeedProbes,
        profiles: SupportProfiles,
        imageLimits: ImageLimits, memory: MemoryBudget,
        checkpointInterval: Duration = .seconds(2)
    ) {
        self.models = models
        self.store = store
        self.gate = gate
        self.speeds = speeds
        self.profiles = profiles
        self.imageLimits = imageLimits
        self.memory = memory
        self.checkpointInterval = checkpointInterval
    }

    package func run(_ job: Job, context: JobContext) throws -> JobOutcome {
        let watch = MemoryWatch(memory)
        defer { ProcessMemory.giveBackFreed() }
        do {
            return try Threads.givingWay(to: gate) { try adapt(job, context, watch) }
        } catch AdaptationError.cancelled {
            throw watch.failure ?? JobInterrupted()
        } catch let error as AdaptationError {
            throw Self.failure(error)
        } catch let error as SettingsError {
            throw JobFailure(
                code: "invalid-value", message: "\(error.field) is \(error.found)", hint: "give \(error.expectation)")
        } catch let error as AdapterError {
            throw JobFailure(
                code: "unusable-adapter", message: "the version that is served cannot be read: \(error.discreetCause)",
                hint: "serve another version, or none, with PUT /v1/tasks/\(job.task)/served_version")
        } catch SafetensorsError.system(let call, let path, let code) {
            let error = StoreError(call: call, path: path, code: code)
            throw JobFailure(code: "storage", message: error.discreetCause, hint: error.fix)
        } catch let problem as Problem {
            throw JobFailure(code: problem.kind.rawValue, message: problem.detail, hint: problem.hint)
        } catch let error as StoreError {
            // Only a deletion takes a task's files away under its job.
            let isGone = if case .diskFull = error { false } else { try store.task(job.task) == nil }
            throw isGone
                ? JobFailure(code: "task-deleted", message: "the task was deleted during its job")
                : JobFailure(code: "storage", message: error.discreetCause, hint: error.fix)
        }
    }

    private func adapt(_ job: Job, _ context: JobContext, _ watch: MemoryWatch) throws -> JobOutcome {
        guard let task = try store.task(job.task) else { throw StoreError.unknown(kind: "task", id: job.task) }
        let model = try models.model(of: task).model
        let recipe = try TaskSettings(stored: task.settingsJSON).recipe
        context.report(step: 0, of: 0, phase: "reading the support set", fraction: 0)
        // Those that it was queued for: examples that came later have a job of their own, and a job that goes on must find what it began with.
        // But no fewer than taught what is served: a job of a higher priority may have overtaken this one.
        let count = max(job.exampleCount, try learntCount(task))
        let support = Array(try store.support(of: task.id).prefix(count))
        // First of all, so that the task can be used without a prompt while its adapter is in the making.
        try profiles.prepare(support, task: task, model: model, tier: .base(reason: "no adapter yet")) {
            try pause(context, watch)
        }
        let labels = TaskLabels(task.labels)
        let findings = try findings(task, support, model.configuration, context, watch)
        let previous = try previous(task, support, model)
        let fitting = try Fitting(
            model: model, examples: try examples(support, labels, context, watch),
            patients: Self.patients(support),
            spacing: task.spacing.flatMap { Spacing(x: $0.x, y: $0.y) }, recipe: recipe,
            previous: previous?.version, taskName: task.name, labels: labels.adapterLabels)
        let measured = try speeds.measured(model) { context.interruption != nil || watch.isExceeded() }
        let estimate = fitting.estimate(measured.speed)
        try memory.check(expected: measured.peakBytes + estimate.bytes)
        let fitted = try fit(fitting, speed: measured.speed, context, watch)
        // With its notes, as it will be served: they are part of its hash, and so of the profile's key.
        let adapter = try fitted.trained.adapter.noted(notes(fitted, support, after: previous?.version.adapter))
        let heldOut = fitted.heldOut.map {
            HeldOutAnswer.json($0, stems: support.map(\.stem), labels: labels, previous: previous?.number).text()
        }
        let served = ServedAdapter(
            version: 0, adapter: adapter, heldOut: StoredHeldOut(heldOut), supportCount: support.count,
            isHelped: LikenessShare.isAdded(labelCount: labels.count, isTiled: adapter.card.tiling != nil))
        try profiles.prepare(support, task: task, model: model, tier: .adapted(served)) { try pause(context, watch) }
        let result = AdaptationResult(
            fitted: fitted, stems: support.map(\.stem), labels: labels, previous: previous?.number,
            isPreviousMeasured: previous?.isMeasured ?? false,
            findings: findings)
        return JobOutcome(
            resultJSON: result.json().text(),
            // In memory: whoever stores it tries again for a while when the disk is full, and all the training would be lost with a file.
            adapter: NewAdapter(
                file: .bytes(try adapter.encoded()), sha256: adapter.sha256,
                cardJSON: AdapterCardAnswer.json(adapter.card).text(), heldOutJSON: heldOut,
                serving: result.isServed ? .after(previous?.number) : .never),
            overtakenJSON: result.json(isOvertaken: true).text())
    }

    /// Of the task's examples those, the first ones, that taught the version that is served.
    private func learntCount(_ task: TaskRecord) throws -> Int {
        guard let version = try task.servedAdapter.flatMap({ try store.adapter(of: task.id, version: $0) }),
            !AdapterCardAnswer.isImported(version.cardJSON)
        else { return 0 }
        return max(0, JSON.stored(version.cardJSON)["support_count"]?.integerValue ?? 0)
    }

    /// The version that is served now: the next one starts from it, and must not be worse.
    private func previous(
        _ task: TaskRecord, _ support: [SupportExample], _ model: SegmentAnythingModel
    ) throws -> (number: Int, isMeasured: Bool, version: Fitting.Previous)? {
        guard let version = try task.servedAdapter.flatMap({ try store.adapter(of: task.id, version: $0) }) else {
            return nil
        }
        let adapter = try Adapter.load(path: try store.localPath(version.file), for: model)
        // The support set only grows at its end. What a foreign adapter was trained on its card says, by the hashes of the pixels.
        let known = AdapterCardAnswer.isImported(version.cardJSON) ? 0 : min(adapter.card.supportCount, support.count)
        let hashes = Set(adapter.card.notes?.supportSHA256 ?? [])
        let heldOut = StoredHeldOut(version.heldOutJSON)
        return (
            version.version,
            // What was imported its maker has measured, as its card says.
            AdapterCardAnswer.isImported(version.cardJSON) || version.heldOutJSON != nil,
            Fitting.Previous(
                adapter: adapter, exampleCount: known,
                seen: Set(support.indices.filter { hashes.contains(support[$0].imageHash) }),
                served: Set(PromptKind.allCases.filter { heldOut?.refusal($0) == nil }))
        )
    }

    /// - Parameter before: The version that was served: where the new one may start from its tensors, what taught those has taught it too.
    private func notes(
        _ fitted: Fitted, _ support: [SupportExample], after before: Adapter?
    ) -> Adapter.Card.Notes {
        let (adapter, own) = (fitted.trained.adapter, support.map(\.imageHash))
        let inherited = before.flatMap { $0.card.kind == adapter.card.kind ? $0.card.notes?.supportSHA256 : nil } ?? []
        let dice = fitted.heldOut.map { heldOut in
            HeldOutScorer.kinds.map { kind in
                let pair = [false, true].compactMap { heldOut.interval(.dice, kind, adapted: $0)?.mean }
                return (kind.rawValue, pair)
            }
        }
        return Adapter.Card.Notes(
            learningRate: fitted.settings.learningRate, decoderLearningRate: fitted.settings.decoderLearningRate,
            heldOutDice: Dictionary(uniqueKeysWithValues: dice ?? []),
            supportSHA256: own + inherited.filter { !own.contains($0) })
    }

    private func examples(
        _ support: [SupportExample], _ labels: TaskLabels, _ context: JobContext, _ watch: MemoryWatch
    ) throws -> [Example] {
        try support.map { example in
            try pause(context, watch)
            let image = try decode(example.image, field: "image[\(example.index)]")
            let field = "mask[\(example.index)]"
            return Example(
                image: RGBImage(image, window: Preprocessing.window),
                labels: try labels.stored(try decode(example.mask, field: field), field: field))
        }
    }

    private static func patients(_ support: [SupportExample]) -> PatientGroups {
        PatientGroups(
            stems: support.map(\.stem), given: support.map(\.patient), pictures: support.map(\.imageHash))
    }

    /// What the linter says of the stored examples.
    private func findings(
        _ task: TaskRecord, _ support: [SupportExample], _ configuration: Configuration, _ context: JobContext,
        _ watch: MemoryWatch
    ) throws -> [FindingAnswer] {
        let labels = TaskLabels(task.labels)
        let traits = try support.map { example in
            try pause(context, watch)
            let field = "mask[\(example.index)]"
            let mask = try decode(example.mask, field: field)
            return ExampleTraits(
                image: try decode(example.image, field: "image[\(example.index)]"), mask: mask,
                labels: labels.isBinary ? nil : try labels.stored(mask, field: field), imageHash: example.imageHash,
                maskHash: example.maskHash,
                isMaskLossy: try store.read(example.mask).starts(with: [0xFF, 0xD8]))
        }
        let linter = SupportLinter(
            configuration: configuration, hasSpacing: task.spacing != nil, labelCount: labels.count)
        let names = support.map {
            FindingAnswer.Names(image: $0.stem, mask: "the mask of \($0.stem)", maskField: "mask[\($0.index)]")
        }
        return linter.findings(traits, patients: Self.patients(support)).map {
            FindingAnswer($0, names: names, places: support.map(\.index), labels: labels)
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

    private func fit(
        _ fitting: Fitting, speed: SpeedProbe, _ context: JobContext, _ watch: MemoryWatch
    ) throws -> Fitted {
        var latest: FittingCheckpoint?
        var saved = ContinuousClock.now
        func save(_ checkpoint: FittingCheckpoint) throws {
            saved = .now
            let path = context.scratchDirectory + "/checkpoint.safetensors"
            do {
                try checkpoint.write(to: path)
            } catch let error as SafetensorsError {
                return context.checkpointRefused(error)  // the one before stays
            }
            try context.saveCheckpoint(.file(path: path))
            latest = nil
        }
        do {
            return try fitting.run(
                speed: speed,
                resuming: try context.checkpointPath().flatMap { try? FittingCheckpoint(path: $0) },
                hooks: Fitting.Hooks(
                    checkpoint: { checkpoint in
                        latest = checkpoint
                        if ContinuousClock.now - saved >= checkpointInterval { try save(checkpoint) }
                    },
                    isCancelled: { context.interruption != nil || watch.isExceeded() },
                    progress: { progress in
                        context.report(
                            step: progress.step, of: progress.steps, loss: progress.loss.map(Double.init),
                            phase: progress.phase.words, fraction: progress.fraction,
                            etaSeconds: progress.remaining.map { $0.milliseconds / 1e3 })
                        return context.interruption == nil && !watch.isExceeded()
                    }))
        } catch AdaptationError.cancelled {
            if let failure = watch.failure { throw failure }
            // A stopping server asks for the work done so far; a cancelled job's is of no use to anybody.
            if context.interruption == .stopping, let latest { try save(latest) }
            throw JobInterrupted()
        }
    }

    private func pause(_ context: JobContext, _ watch: MemoryWatch) throws {
        gate.giveWay()
        try context.checkInterruption()
        if watch.isExceeded(), let failure = watch.failure { throw failure }
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

extension FittingProgress.Phase {
    /// For the job's `phase`.
    var words: String {
        switch self {
        case .scoring: "scoring the base model"
        case .fold(let number, let count, let recipe):
            "training without fold \(number) of \(count)" + (recipe > 1 ? ", recipe \(recipe)" : "")
        case .half(let number): "training on half \(number) of 2"
        case .final: "training on all examples"
        case .member(let number, let count): "training member \(number) of \(count) of the ensemble"
        }
    }
}

extension NewJob {
    /// A job that adapts a task to its first `examples`.
    init(examples: Int, priority: Int) {
        let parameters: JSON = ["examples": .integer(examples)]
        self.init(parametersJSON: parameters.text(), priority: priority)
    }
}

extension Job {
    /// Examples that it is to adapt its task to; all, where it does not say so.
    fileprivate var exampleCount: Int { max(0, JSON.stored(parametersJSON)["examples"]?.integerValue ?? .max) }
}
