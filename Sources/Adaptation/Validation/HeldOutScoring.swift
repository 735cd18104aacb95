import Imaging
import SegmentAnything
import Tensor

/// What models say of support images that they were not trained on, each as the task would answer: the base model, the version
/// before, and an adapter in the making.
final class HeldOutScoring {
    private let fitting: Fitting
    private let log: FittingLog
    private let scorer: HeldOutScorer
    private var caches: [Int: EncodingCache] = [:]
    /// What some of the images teach the base model.
    private var profiles: [[Int]: [SupportProfile]] = [:]

    init(_ fitting: Fitting, log: FittingLog) {
        self.fitting = fitting
        self.log = log
        scorer = HeldOutScorer(support: fitting.support, spacing: fitting.spacing, seed: fitting.recipe.settings.seed)
    }

    private var configuration: Configuration { fitting.model.configuration }

    /// What the encoder makes of the views before its first adapted block, kept over all runs; all that is kept shares the room.
    func cache(firstAdaptedBlock: Int) -> EncodingCache {
        if let known = caches[firstAdaptedBlock] { return known }
        let settings = fitting.recipe.settings
        let cache = EncodingCache(
            model: fitting.model, support: fitting.support, firstAdaptedBlock: firstAdaptedBlock,
            tiling: settings.tiling, room: max(0, settings.cacheBytes - caches.values.reduce(0) { $0 + $1.keptBytes }),
            seed: settings.seed)
        caches[firstAdaptedBlock] = cache
        return cache
    }

    // MARK: Whose answers

    /// Each image by the base model and what the other folds' images have taught of it: as the task answers while no adapter
    /// does, with every choice made without the image.
    func ofBase(_ plan: FoldPlan) throws -> [HeldOutScore] {
        if let known = log.journal.base { return known }
        let count = fitting.exampleCount
        try log.report(.scoring, step: 0, steps: count, loss: nil)
        let predictor = LabelledPredictor(Predictor(fitting.model))
        var scores: [HeldOutScore] = []
        var done = 0
        for held in plan.folds {
            let unaided = HeldOutScorer.Unaided(
                isAdapted: false, base: baseEmbedding, profiles: try baseProfiles(others(held)))
            for example in held {
                scores += try scorer.scores(
                    example, predictor, try baseEmbedding(example), unaided, isCancelled: log.isCancelled)
                done += 1
                try log.report(.scoring, step: done, steps: count, loss: nil)
            }
        }
        // As they are compared.
        scores = scores.byExample()
        log.journal.base = scores
        try log.save(nil)
        return scores
    }

    /// Of the version before, on patients of whom it has seen nothing.
    func ofPrevious() throws -> [HeldOutScore] {
        if let known = log.journal.previous { return known }
        guard let previous = fitting.previous else { return [] }
        let unseen = previous.unseen(of: fitting.patients.groups)
        guard !unseen.isEmpty else { return [] }
        let predictor = LabelledPredictor(fitting.model, adjustments: previous.adapter.adjustments)
        func embed(_ example: Int) throws -> ImageEmbedding {
            try predictor.embed(fitting.support.examples[example].image, pause: log.pause)
        }
        // As it answers; of an imported one's images nothing is known.
        let members = Array(0..<previous.exampleCount)
        let isHelped = LikenessShare.isAdded(
            labelCount: fitting.support.labelCount, isTiled: previous.adapter.card.tiling != nil)
        let likenesses = members.isEmpty || !isHelped ? [] : try baseProfiles(members).map(\.likeness)
        let unaided = HeldOutScorer.Unaided(
            isAdapted: true, base: baseEmbedding,
            profiles: members.isEmpty
                ? nil : try learned(members, predictor, isAdapted: true, likenesses, embed: embed))
        var scores: [HeldOutScore] = []
        for example in unseen {
            let embedding = try embed(example)
            if let tiling = previous.adapter.card.tiling {
                let image = fitting.support.examples[example].image
                let tiled = TiledImage(width: image.width, height: image.height, tiling: tiling, by: predictor[0]) {
                    try predictor.embed(image, window: $0, pause: self.log.pause)
                }
                scores += try scorer.scores(example, tiled, embedding, unaided, isCancelled: log.isCancelled)
            } else {
                scores += try scorer.scores(example, predictor, embedding, unaided, isCancelled: log.isCancelled)
            }
        }
        log.journal.previous = scores
        return scores
    }

    /// Of an adapter in the making, on the images that were held out of its training.
    ///
    /// - Parameters:
    ///   - adjustments: One for each label; they have the encoder in common.
    func ofAdapter(
        _ adjustments: [Adjustment], _ kind: AdapterKind, _ cache: EncodingCache, without held: [Int]
    ) throws -> [HeldOutScore] {
        let predictor = LabelledPredictor(fitting.model, adjustments: adjustments)
        func whole(_ example: Int) throws -> ImageEmbedding { try embedding(example, cache, adjustments[0]) }
        // What the images that it was trained on teach beside it.
        let members = others(held)
        let isHelped = LikenessShare.isAdded(labelCount: fitting.support.labelCount, isTiled: cache.tiling != nil)
        let known = isHelped || !kind.trainsEncoder ? try baseProfiles(members) : []
        let unaided = HeldOutScorer.Unaided(
            isAdapted: true, base: baseEmbedding,
            profiles: kind.trainsEncoder
                ? try learned(members, predictor, isAdapted: true, isHelped ? known.map(\.likeness) : [], embed: whole)
                : known.map { $0.ofAdapter(isHelped: isHelped) })
        return try held.flatMap { example in
            guard let tiling = cache.tiling else {
                return try scorer.scores(
                    example, predictor, try whole(example), unaided, isCancelled: log.isCancelled)
            }
            let image = fitting.support.examples[example].image
            let tiled = TiledImage(width: image.width, height: image.height, tiling: tiling, by: predictor[0]) {
                window in
                try self.finished(
                    try cache.encoding(tile: window, of: example, isCancelled: self.log.isCancelled), cache,
                    adjustments[0])
            }
            return try scorer.scores(example, tiled, try whole(example), unaided, isCancelled: log.isCancelled)
        }
    }

    // MARK: What images teach without training

    /// Of some of the examples, seen by the base model's encoder.
    private func baseProfiles(_ members: [Int]) throws -> [SupportProfile] {
        if let known = profiles[members] { return known }
        let predictor = LabelledPredictor(Predictor(fitting.model))
        let made = try learned(members, predictor, isAdapted: false, embed: baseEmbedding)
        profiles[members] = made
        return made
    }

    /// - Parameter likenesses: What helps an adapter's answers, by label.
    private func learned(
        _ members: [Int], _ predictor: LabelledPredictor, isAdapted: Bool, _ likenesses: [Likeness?] = [],
        embed: (Int) throws -> ImageEmbedding
    ) throws -> [SupportProfile] {
        let profiler = SupportProfiler(predictor, isAdapted: isAdapted, likenesses: likenesses, pause: log.pause)
        return try profiler.promptless(
            members.map { fitting.support.examples[$0] }, try members.map(embed), labelCount: fitting.support.labelCount
        )
    }

    private func others(_ held: [Int]) -> [Int] { fitting.examples(without: held) }

    // MARK: Embeddings

    /// The base model's of all of an image: nobody cuts images into tiles before a task has an adapter.
    private func baseEmbedding(_ example: Int) throws -> ImageEmbedding {
        let plain = try embedding(example, cache(firstAdaptedBlock: configuration.depth), .none)
        let image = Preprocessor(side: configuration.imageSize)(fitting.support.examples[example].image)
        return ImageEmbedding(
            tensor: plain.tensor, geometry: plain.geometry, guide: Guide(image, for: configuration))
    }

    /// Of all of an image, plain, under `adjustment`, from what is kept of it.
    private func embedding(
        _ example: Int, _ cache: EncodingCache, _ adjustment: Adjustment
    ) throws -> ImageEmbedding {
        guard cache.tiling != nil else {
            return try finished(
                try cache.encoding(view: 0, of: example, isCancelled: log.isCancelled), cache, adjustment)
        }
        let image = fitting.support.examples[example].image
        let all = PixelBox(x0: 0, y0: 0, x1: image.width - 1, y1: image.height - 1)
        return try finished(
            try cache.encoding(tile: all, of: example, isCancelled: log.isCancelled), cache, adjustment)
    }

    /// What is left of the encoder, under `adjustment`.
    private func finished(
        _ encoding: EncodingCache.Encoding, _ cache: EncodingCache, _ adjustment: Adjustment
    ) throws -> ImageEmbedding {
        var activations = encoding.activations
        if cache.firstAdaptedBlock < configuration.depth {
            activations = try ImageEncoder(fitting.model, adjustment: adjustment)
                .finish(Value(activations), from: cache.firstAdaptedBlock, pause: log.pause).tensor
        }
        return ImageEmbedding(tensor: activations, geometry: encoding.geometry)
    }
}

extension [HeldOutScore] {
    /// In the order of the examples; those of one example stay as they are.
    func byExample() -> [HeldOutScore] {
        enumerated().sorted { ($0.element.example, $0.offset) < ($1.element.example, $1.offset) }.map(\.element)
    }
}
