import Basics
import Cryptography
import Imaging
package import SegmentAnything
import Tensor

/// One adaptation run: a model, a support set and a recipe in, an adapter out.
///
/// A step looks at `imagesPerStep` views. Each is encoded (as far as it is frozen: from the cache), prompted once in
/// every way of `PromptKind`, and its loss flows back prompt by prompt into the decoder's tensors and the embedding, and
/// from the embedding, once, into the encoder's low-rank factors. So memory is that of one decoder pass plus, with kinds
/// that train the encoder, one encoder pass with a block recomputed at a time.
///
/// Nothing depends on time or on a shared generator: equal model, examples and settings give equal bytes on the same
/// machine, resumed or not.
package struct Trainer: Sendable {
    package let model: SegmentAnythingModel
    package let settings: AdaptationSettings
    let layout: AdapterLayout
    private let support: SupportSet
    /// The examples that are trained on, of those of `support`.
    private let members: [Int]
    /// What of them a round of steps goes through: an example with several labels once for each.
    private let items: [SupportSet.Item]
    private let absentLabels: AbsentLabels
    /// What the run starts from; nil: the base model.
    private let beginning: Adapter?
    private let taskName: String
    private let labels: AdapterLabels
    /// How each view that shows the object is prompted.
    private let prompts: [PromptKind]

    /// - Parameters:
    ///   - taskName: For the card; may be empty.
    ///   - labels: What the examples' labels are called, for the card.
    ///   - prompts: One of each kind; fewer for measuring what a prompt costs.
    /// - Throws: `SettingsError` or `AdaptationError`, before any work.
    package init(
        model: SegmentAnythingModel, examples: [Example], settings: AdaptationSettings, taskName: String = "",
        labels: AdapterLabels = .unnamed, prompts: [PromptKind] = PromptKind.allCases
    ) throws {
        precondition(!prompts.isEmpty, "a step without prompts")
        try settings.validate(for: model.configuration)
        self.init(
            model: model, support: try SupportSet(examples, labelCount: labels.count), settings: settings,
            taskName: taskName, labels: labels, prompts: prompts)
    }

    /// - Parameters:
    ///   - settings: Validated.
    ///   - members: Indices of the examples to train on, ascending and at least one; nil for all.
    ///   - beginning: An adapter to go on from, where it has the tensors that `settings` asks for; else it counts for nothing.
    init(
        model: SegmentAnythingModel, support: SupportSet, settings: AdaptationSettings, members: [Int]? = nil,
        beginning: Adapter? = nil, taskName: String = "", labels: AdapterLabels = .unnamed,
        prompts: [PromptKind] = PromptKind.allCases
    ) {
        self.model = model
        self.settings = settings
        self.support = support
        let members = members ?? Array(support.examples.indices)
        self.members = members
        items = support.items.filter { members.contains($0.example) }
        absentLabels = AbsentLabels(
            shown: Dictionary(grouping: items, by: \.example).mapValues { $0.map(\.label) },
            labelCount: support.labelCount)
        layout = AdapterLayout(
            kind: settings.kind, rank: settings.rank, lastBlocks: settings.lastBlocks, labelCount: support.labelCount,
            model: model)
        // Factors that are scaled otherwise are another update.
        let isSameWay =
            beginning?.layout == layout && beginning?.card.tileSide == settings.tileSide
            && beginning?.card.alpha == settings.alpha
        self.beginning = isSameWay ? beginning : nil
        self.taskName = taskName
        self.labels = labels
        self.prompts = prompts
    }

    /// Runs to the end.
    ///
    /// - Parameters:
    ///   - resuming: A checkpoint of the same model, examples and settings; the run goes on after its step.
    ///   - checkpointEvery: Steps between two checkpoints.
    ///   - checkpoint: Told the state now and then; what it throws ends the run.
    ///   - isCancelled: Asked between prompts and between blocks of the encoder, so that even a slow step ends soon.
    ///   - progress: Told after each step; false cancels.
    /// - Throws: `AdaptationError`, or what `checkpoint` throws.
    package func run(
        resuming: TrainerCheckpoint? = nil, checkpointEvery: Int = 25,
        checkpoint: (TrainerCheckpoint) throws -> Void = { _ in }, isCancelled: () -> Bool = { false },
        progress: (TrainingProgress) -> Bool = { _ in true }
    ) throws -> TrainedAdapter {
        // The hooks end with this call, so its callers may use what they hold `inout`.
        try withoutActuallyEscaping(checkpoint) { checkpoint in
            try withoutActuallyEscaping(isCancelled) { isCancelled in
                try withoutActuallyEscaping(progress) { progress in
                    let hooks = Hooks(
                        checkpointEvery: checkpointEvery, checkpoint: checkpoint, isCancelled: isCancelled,
                        progress: progress)
                    return try run(resuming: resuming, cache: cache(), stopAfter: settings.steps, hooks: hooks)
                }
            }
        }
    }

    /// Whether a run of this trainer made the checkpoint, so that another may go on from it.
    package func accepts(_ checkpoint: TrainerCheckpoint) -> Bool { checkpoint.belongs(to: identity) }

    /// What a run tells, and asks.
    struct Hooks {
        var checkpointEvery = 1
        var checkpoint: (TrainerCheckpoint) throws -> Void = { _ in }
        var isCancelled: () -> Bool = { false }
        var progress: (TrainingProgress) -> Bool = { _ in true }
        /// Shown the state after each step, before progress and checkpoint.
        var visit: (TrainerState) throws -> Void = { _ in }
    }

    /// Encodings for this run and every other one on the same support set, seed and first adapted block.
    func cache() -> EncodingCache {
        EncodingCache(
            model: model, support: support, firstAdaptedBlock: layout.blocks.lowerBound, tiling: settings.tiling,
            room: settings.cacheBytes, seed: settings.seed)
    }

    /// - Parameter stopAfter: Steps to do of the settings' number, which shapes the schedule: an early stop.
    func run(
        resuming: TrainerCheckpoint?, cache: EncodingCache, stopAfter: Int, hooks: Hooks
    ) throws -> TrainedAdapter {
        precondition(
            cache.firstAdaptedBlock == layout.blocks.lowerBound && cache.tiling == settings.tiling,
            "a cache of another recipe")
        // Every step takes the same tensors: as many as the encoder keeps for its backward pass.
        return try reusingMemory(upTo: Checkpointing.keptBytes(of: model.configuration)) {
            try steps(resuming, cache, min(stopAfter, settings.steps), hooks)
        }
    }

    private func steps(
        _ resuming: TrainerCheckpoint?, _ cache: EncodingCache, _ end: Int, _ hooks: Hooks
    ) throws -> TrainedAdapter {
        let identity = self.identity
        var state = try resuming?.state(for: identity, layout: layout, settings: settings) ?? start()
        let plan = StepPlan(
            exampleCount: items.count, viewCount: settings.augmentedViews,
            imagesPerStep: settings.imagesPerStep, seed: settings.seed)
        let (clock, firstStep) = (ContinuousClock(), state.step)
        let began = clock.now
        while state.step < end {
            let loss = try advance(&state, plan, cache, hooks.isCancelled)
            try hooks.visit(state)
            let told = TrainingProgress(
                step: state.step, steps: end, loss: loss, elapsed: clock.now - began,
                stepsInElapsed: state.step - firstStep)
            guard hooks.progress(told) else { throw AdaptationError.cancelled(step: state.step) }
            if hooks.checkpointEvery > 0, state.step.isMultiple(of: hooks.checkpointEvery), state.step < end {
                try hooks.checkpoint(TrainerCheckpoint(state, identity: identity, layout: layout))
            }
        }
        return try TrainedAdapter(adapter: adapter(state.tensors, state.losses), losses: state.losses)
    }

    /// A finished run, as its checkpoint has it.
    ///
    /// - Throws: `AdaptationError.checkpointMismatch` when it was another run.
    func restored(_ member: FittingCheckpoint.Member) throws -> TrainedAdapter {
        let tensors = try layout.entries.map { entry throws(AdaptationError) in
            guard let tensor = member.tensors[entry.name], tensor.shape == entry.shape, tensor.isFinite else {
                throw .checkpointMismatch(
                    field: entry.name, expected: "shape \(entry.shape)",
                    found: member.tensors[entry.name].map { "shape \($0.shape)" } ?? "nothing")
            }
            return tensor
        }
        return TrainedAdapter(adapter: try adapter(tensors, member.losses), losses: member.losses)
    }

    /// What a checkpoint must have in common with this run.
    var identity: TrainerCheckpoint.Identity {
        var subject = support.digest
        if members.count < support.examples.count || beginning != nil {
            let part = "\(subject) \(members) \(beginning?.sha256 ?? "")"
            subject = SHA256.hex(Array(part.utf8))
        }
        return TrainerCheckpoint.Identity(model: model, settings: settings, support: subject)
    }

    private func start() -> TrainerState {
        TrainerState(
            step: 0, tensors: beginning?.tensors ?? layout.start(model: model, seed: settings.seed),
            optimizer: Optimizer(layout: layout, settings: settings), losses: [])
    }

    /// The adapted model at `state`, for looking at it: one adjustment for each label.
    func adjustments(_ state: TrainerState) -> [Adjustment] {
        let values = state.tensors.map { Value($0) }
        return (0..<support.labelCount).map {
            layout.adjustment(values, scale: scale, label: $0)
        }
    }

    /// One step; its mean loss.
    private func advance(
        _ state: inout TrainerState, _ plan: StepPlan, _ cache: EncodingCache, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Float {
        var sum = GradientSum(shapes: layout.entries.map(\.shape))
        var (loss, count) = (0.0, 0)
        for draw in plan.draws(at: state.step) {
            guard !isCancelled() else { throw .cancelled(step: state.step) }
            let found = try accumulate(
                items[draw.example], view: draw.view, draw.generator, cache, tensors: state.tensors,
                step: state.step, throughEncoder: settings.kind.trainsEncoder, into: &sum, isCancelled)
            loss += found.loss
            count += found.prompts
        }
        let mean = Float(loss / Double(count))
        guard mean.isFinite else { throw .nonFinite(step: state.step + 1, what: "the loss") }
        guard
            let tensors = state.optimizer.update(
                state.tensors, gradients: sum.tensors(scaledBy: 1 / Float(count)), step: state.step)
        else { throw .nonFinite(step: state.step + 1, what: "a gradient") }
        state.tensors = tensors
        state.losses.append(mean)
        state.step += 1
        return mean
    }

    /// The mean gradient of one example's loss at `state`, over its labels, in its plain view with one fixed prompt of each
    /// kind. Where the decoder trains it is of the decoder's tensors alone (the encoder's entries are 0), which spares the way back through
    /// the encoder.
    func gradient(
        of example: Int, at state: TrainerState, _ cache: EncodingCache, isCancelled: () -> Bool
    ) throws(AdaptationError) -> [Tensor] {
        var sum = GradientSum(shapes: layout.entries.map(\.shape))
        var promptCount = 0
        for item in support.items where item.example == example {
            let generator = SeededRandom(seed: settings.seed ^ 0x496E_666C &+ item.number)
            promptCount += try accumulate(
                item, view: 0, generator, cache, tensors: state.tensors, step: state.step,
                throughEncoder: !settings.kind.trainsDecoder, into: &sum, isCancelled
            ).prompts
        }
        return sum.tensors(scaledBy: 1 / Float(promptCount))
    }

    /// Adds the gradients of one view's losses to `sum`; returns the losses' sum, and of how many prompts.
    private func accumulate(
        _ item: SupportSet.Item, view: Int, _ draws: SeededRandom, _ cache: EncodingCache, tensors: [Tensor],
        step: Int, throughEncoder: Bool, into sum: inout GradientSum, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> (loss: Double, prompts: Int) {
        func pause() throws(AdaptationError) {
            guard !isCancelled() else { throw .cancelled(step: step) }
        }
        let encoding = try cache.encoding(view: view, of: item.example, isCancelled: isCancelled)
        var embedding = encoding.activations
        var encoder: DividedEncoder?
        if settings.kind.trainsEncoder {
            let divided = try DividedEncoder(
                model, layout: layout, tensors: tensors, scale: scale, activations: encoding.activations,
                isTrained: throughEncoder, pause: pause)
            embedding = divided.embedding
            encoder = divided
        }
        let asked = asked(item, view: view, encoding.geometry, cache, draws)
        func pass(_ ask: (item: SupportSet.Item, prompt: Prompt)) -> DecoderPass {
            DecoderPass(
                model: model, layout: layout, tensors: tensors, scale: scale, label: ask.item.label,
                embedding: embedding, geometry: encoding.geometry,
                target: cache.target(view: view, of: ask.item, encoding.geometry),
                criterion: MaskLoss(qualityWeight: settings.kind.trainsDecoder ? 1 : 0),
                isEmbeddingTrained: throughEncoder)
        }
        var embeddingSum = GradientSum(shapes: [embedding.shape])
        var total = 0.0
        // Added up in the order of the prompts, so that it does not matter how many were computed at once.
        func add(_ found: DecoderPass.Found) {
            total += found.loss
            // The encoder's factors come first in the layout, the decoder's tensors after them.
            sum.add(found.decoder, from: layout.blocks.count * 4)
            if let gradient = found.embedding { embeddingSum.add([gradient]) }
        }
        if DecoderPass.isSmall(model.configuration) {
            for _ in asked { try pause() }
            let passes = asked.map { (pass: pass($0), prompt: $0.prompt) }
            for found in Threads.mapWhole(passes.count, { passes[$0].pass(passes[$0].prompt) }) { add(found) }
        } else {
            for ask in asked {
                try pause()
                add(pass(ask)(ask.prompt))
            }
        }
        if throughEncoder {
            let seed = embeddingSum.tensors(scaledBy: 1)[0]
            sum.add(try encoder?.backward(seed: seed, pause: pause) ?? [])
        }
        return (total, asked.count)
    }

    /// What a view is asked, each by a prompt: its label in every way, and now and then one that the image lacks.
    private func asked(
        _ item: SupportSet.Item, view: Int, _ geometry: ImageGeometry, _ cache: EncodingCache, _ draws: SeededRandom
    ) -> [(item: SupportSet.Item, prompt: Prompt)] {
        // In the part of the image that the view shows, as prompts lie that are answered on a part.
        let simulator = cache.simulator(view: view, of: item, window: geometry.window)
        var generator = draws
        // In a part without the object there is nothing to point at.
        var asked = (simulator == nil ? [PromptKind.none] : prompts).map { kind in
            (item: item, prompt: simulator?.prompt(kind, using: &generator) ?? Prompt())
        }
        if let label = absentLabels.draw(item.example, using: &generator) {
            asked.append((SupportSet.Item(example: item.example, label: label), .none))
        }
        return asked
    }

    /// Of the low-rank updates.
    private var scale: Float { settings.alpha / Float(settings.rank) }

    private func adapter(_ tensors: [Tensor], _ losses: [Float]) throws -> Adapter {
        let tail = losses.suffix(10)
        let card = Adapter.Card(
            kind: settings.kind, rank: settings.rank, alpha: settings.alpha, lastBlocks: settings.lastBlocks,
            baseModel: model.name, baseSHA256: model.sha256, task: taskName, labels: labels, steps: losses.count,
            seed: settings.seed, supportCount: members.count, tileSide: settings.tileSide,
            finalLoss: tail.reduce(0, +) / Float(max(tail.count, 1)),
            continued: beginning.map(Adapter.Card.Continued.init))
        return try Adapter(card: card, layout: layout, tensors: tensors)
    }
}

/// What a run gives.
package struct TrainedAdapter: Sendable {
    package let adapter: Adapter
    /// One per step.
    package let losses: [Float]

    /// For a checkpoint.
    var member: FittingCheckpoint.Member {
        let names = adapter.layout.entries.map(\.name)
        return FittingCheckpoint.Member(
            tensors: Dictionary(uniqueKeysWithValues: zip(names, adapter.tensors)), losses: losses)
    }
}
