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
    private let support: SupportSet
    private let layout: AdapterLayout
    private let taskName: String
    private let labels: [String]

    /// - Parameters:
    ///   - taskName: For the card; may be empty.
    ///   - labels: Names of what the masks mark, for the card.
    /// - Throws: `SettingsError` or `AdaptationError`, before any work.
    package init(
        model: SegmentAnythingModel, examples: [Example], settings: AdaptationSettings, taskName: String = "",
        labels: [String] = []
    ) throws {
        try settings.validate(for: model.configuration)
        self.model = model
        self.settings = settings
        self.support = try SupportSet(examples)
        self.layout = AdapterLayout(
            kind: settings.kind, rank: settings.rank, lastBlocks: settings.lastBlocks, model: model)
        self.taskName = taskName
        self.labels = labels
    }

    /// Runs to the end.
    ///
    /// - Parameters:
    ///   - resuming: A checkpoint of the same model, examples and settings; the run goes on after its step.
    ///   - checkpointEvery: Steps between two checkpoints.
    ///   - checkpoint: Told the state now and then; what it throws ends the run.
    ///   - isCancelled: Asked between prompts, so that even a slow step ends soon.
    ///   - progress: Told after each step; false cancels.
    /// - Throws: `AdaptationError`, or what `checkpoint` throws.
    package func run(
        resuming: TrainerCheckpoint? = nil, checkpointEvery: Int = 25,
        checkpoint: (TrainerCheckpoint) throws -> Void = { _ in }, isCancelled: () -> Bool = { false },
        progress: (TrainingProgress) -> Bool = { _ in true }
    ) throws -> TrainedAdapter {
        // Every step takes the same tensors: as many as the encoder keeps for its backward pass.
        try reusingMemory(upTo: 1 << 30) {
            try steps(resuming, checkpointEvery, checkpoint, isCancelled, progress)
        }
    }

    private func steps(
        _ resuming: TrainerCheckpoint?, _ checkpointEvery: Int, _ checkpoint: (TrainerCheckpoint) throws -> Void,
        _ isCancelled: () -> Bool, _ progress: (TrainingProgress) -> Bool
    ) throws -> TrainedAdapter {
        let identity = TrainerCheckpoint.Identity(model: model, settings: settings, support: support)
        var state = try resuming?.state(for: identity, layout: layout, settings: settings) ?? start()
        let plan = StepPlan(
            exampleCount: support.examples.count, viewCount: settings.augmentedViews,
            imagesPerStep: settings.imagesPerStep, seed: settings.seed)
        var cache = EncodingCache(
            model: model, support: support, firstAdaptedBlock: layout.blocks.lowerBound, room: settings.cacheBytes,
            seed: settings.seed)
        let (clock, firstStep) = (ContinuousClock(), state.step)
        let began = clock.now
        while state.step < settings.steps {
            let loss = try advance(&state, plan, &cache, isCancelled)
            let told = TrainingProgress(
                step: state.step, steps: settings.steps, loss: loss, elapsed: clock.now - began,
                stepsInElapsed: state.step - firstStep)
            guard progress(told) else { throw AdaptationError.cancelled(step: state.step) }
            if checkpointEvery > 0, state.step.isMultiple(of: checkpointEvery), state.step < settings.steps {
                try checkpoint(TrainerCheckpoint(state, identity: identity, layout: layout))
            }
        }
        return try TrainedAdapter(adapter: adapter(state), losses: state.losses)
    }

    private func start() -> TrainerState {
        TrainerState(
            step: 0, tensors: layout.start(model: model, seed: settings.seed),
            optimizer: Optimizer(layout: layout, settings: settings), losses: [])
    }

    /// One step; its mean loss.
    private func advance(
        _ state: inout TrainerState, _ plan: StepPlan, _ cache: inout EncodingCache, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Float {
        var sum = GradientSum(shapes: layout.entries.map(\.shape))
        var loss = 0.0
        let draws = plan.draws(at: state.step)
        for draw in draws {
            guard !isCancelled() else { throw .cancelled(step: state.step) }
            let encoding = cache.encoding(draw)
            loss += try accumulate(
                draw, encoding, view: cache.view(draw), tensors: state.tensors, step: state.step, into: &sum,
                isCancelled)
        }
        let count = draws.count * PromptKind.allCases.count
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

    /// Adds the gradients of one view's losses to `sum`; returns the losses' sum.
    private func accumulate(
        _ draw: StepPlan.Draw, _ encoding: EncodingCache.Encoding, view: AugmentedView, tensors: [Tensor], step: Int,
        into sum: inout GradientSum, _ isCancelled: () -> Bool
    ) throws(AdaptationError) -> Double {
        let example = support.examples[draw.example]
        let scale = settings.alpha / Float(settings.rank)
        let parameters = tensors.map(Value.parameter)
        // The encoder's factors come first in the layout, the decoder's tensors after them.
        let encoderCount = layout.blocks.count * 4

        var embedding = Value(encoding.activations)
        if settings.kind.trainsEncoder {
            embedding = ImageEncoder(model, adjustment: layout.adjustment(parameters, scale: scale))
                .finish(embedding, from: layout.blocks.lowerBound)
        }
        // The prompts' graphs end at the embedding, as a leaf: each is freed before the next is built.
        let leaf = settings.kind.trainsEncoder ? Value.parameter(embedding.tensor) : embedding
        var embeddingSum = GradientSum(shapes: [embedding.shape])
        let promptEncoder = PromptEncoder(model)
        let criterion = MaskLoss(qualityWeight: settings.kind.trainsDecoder ? 1 : 0)
        var generator = draw.generator
        var total = 0.0
        for kind in PromptKind.allCases {
            guard !isCancelled() else { throw .cancelled(step: step) }
            let drawn = support.simulators[draw.example].prompt(kind, using: &generator)
            let prompt = view.flipped(drawn, width: example.mask.width, height: example.mask.height)
            // A fresh decoder on fresh leaves per prompt: a graph can be walked back only once.
            let parameters = tensors.map(Value.parameter)
            let decoder = MaskDecoder(model, adjustment: layout.adjustment(parameters, scale: scale))
            let (logits, iou) = decoder(leaf, promptEncoder([prompt], geometry: encoding.geometry))
            let loss = criterion(logits: logits, quality: iou, target: encoding.target)
            total += Double(loss.tensor.elements[0])
            let trained = Array(parameters[encoderCount...])
            let found = gradients(of: loss, for: settings.kind.trainsEncoder ? trained + [leaf] : trained)
            sum.add(Array(found[..<trained.count]), from: encoderCount)
            embeddingSum.add(Array(found[trained.count...]))
        }
        if settings.kind.trainsEncoder {
            let seed = embeddingSum.tensors(scaledBy: 1)[0]
            sum.add(gradients(of: embedding, seed: seed, for: Array(parameters[..<encoderCount])))
        }
        return total
    }

    private func adapter(_ state: TrainerState) throws -> Adapter {
        let tail = state.losses.suffix(10)
        let card = Adapter.Card(
            kind: settings.kind, rank: settings.rank, alpha: settings.alpha, lastBlocks: settings.lastBlocks,
            baseModel: model.name, baseSHA256: model.sha256, task: taskName, labels: labels, steps: settings.steps,
            seed: settings.seed, supportCount: support.examples.count,
            finalLoss: tail.reduce(0, +) / Float(max(tail.count, 1)))
        return try Adapter(card: card, layout: layout, tensors: state.tensors)
    }
}

/// What a run gives.
package struct TrainedAdapter: Sendable {
    package let adapter: Adapter
    /// One per step.
    package let losses: [Float]
}
