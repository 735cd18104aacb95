import Basics
package import Imaging
package import SegmentAnything
import Tensor

/// What a model's encoder and decoder make of a support set: enough to answer without a prompt, to notice an image unlike
/// the set, and to say when an answer is shakier than usual. It holds means of embeddings and figures, and no pixel.
package struct SupportProfile: Sendable, Equatable {
    /// How far images are from the set.
    package let distance: EmbeddingDistance
    /// What the object looks like to the encoder; nil where its masks show no token of it, or nothing else.
    package let prototypes: Prototypes?
    package let presence: Presence?
    /// What is too small to be its object; nil where no mask shows one.
    package let debris: Debris?
    /// The best of all ways to do without a prompt, on images that its prototypes were not made from.
    package let route: PromptlessRoute
    /// Mean Dice of each way, measured so; empty for a single example.
    package let routeDice: [PromptlessRoute: Double]
    /// By kind of prompt.
    package let review: [PromptKind: ReviewThreshold]

    package init(
        distance: EmbeddingDistance, prototypes: Prototypes?, presence: Presence?, debris: Debris? = nil,
        route: PromptlessRoute, routeDice: [PromptlessRoute: Double], review: [PromptKind: ReviewThreshold]
    ) {
        self.distance = distance
        self.prototypes = prototypes
        self.presence = presence
        self.debris = debris
        self.route = route
        self.routeDice = routeDice
        self.review = review
    }

    /// Whether the object is in the image; nil when the set cannot tell.
    ///
    /// - Parameter mirrored: Of the mirror image, where both are to count alike.
    package func presence(
        _ embedding: ImageEmbedding, mirrored: ImageEmbedding? = nil
    ) -> (score: Double, isThere: Bool)? {
        guard let presence, let prototypes else { return nil }
        let scores = [embedding, mirrored].compactMap(\.self).map { presence.score(SimilarityMap(prototypes, $0)) }
        let score = scores.reduce(0, +) / Double(scores.count)
        return (score, presence.isFound(score: score))
    }

    /// The same of an adapter that leaves the encoder alone: it is asked by no way but its own.
    func byItself() -> SupportProfile {
        SupportProfile(
            distance: distance, prototypes: prototypes, presence: presence, debris: debris, route: .model,
            routeDice: [:], review: [:])
    }

    /// Examples that each figure is measured on at most; beyond, the figures no longer gain and the work would grow.
    static let measuredLimit = 16
    /// Labels share that, but not below this.
    static let leastMeasured = 4
}

/// Looks at a support set through one model and adapter.
package struct SupportProfiler {
    private let predictor: LabelledPredictor
    private let isAdapted: Bool
    /// How the adapter sees images; nil: whole.
    private let tiling: Tiling?
    /// Whether folds have said when to look again.
    private let isCalibrated: Bool
    private let pause: () throws -> Void

    /// - Parameters:
    ///   - predictor: Of the model, with the adapter if there is one.
    ///   - isAdapted: Whether it was trained on these very examples: its own answers to no prompt then say nothing about new
    ///     images, and the decoder's route is kept without comparing.
    ///   - tiling: The tiles that the adapter answers in.
    ///   - isCalibrated: Whether folds have said when an answer should be looked at again; the profile then does not.
    ///   - pause: Called before each image and each block of the encoder; throws to stop.
    package init(
        _ predictor: LabelledPredictor, isAdapted: Bool, tiling: Tiling? = nil, isCalibrated: Bool = false,
        pause: @escaping () throws -> Void = {}
    ) {
        self.predictor = predictor
        self.isAdapted = isAdapted
        self.tiling = tiling
        self.isCalibrated = isCalibrated
        self.pause = pause
    }

    package init(_ predictor: Predictor, isAdapted: Bool, pause: @escaping () throws -> Void = {}) {
        self.init(LabelledPredictor(predictor), isAdapted: isAdapted, pause: pause)
    }

    fileprivate struct Item {
        let image: RGBImage
        let embedding: ImageEmbedding
        let moments: TokenMoments
        let tokens: MaskTarget
        let mask: Mask
    }

    /// Of examples with one label.
    package func profile(_ examples: [Example]) throws -> SupportProfile {
        try profiles(examples, labelCount: 1)[0]
    }

    /// One profile for each label. What sets a label apart is learnt against all else in the images that show it, the other
    /// labels among it.
    ///
    /// - Parameter examples: At least one.
    package func profiles(_ examples: [Example], labelCount: Int) throws -> [SupportProfile] {
        let embeddings = try examples.map { try predictor.embed($0.image, pause: pause) }
        return try profiles(examples, embeddings, labelCount: labelCount, purpose: .service)
    }

    /// What answers without a prompt depend on, and nothing else: what a fold's training images alone would have taught.
    ///
    /// - Parameter embeddings: Of the examples, under the same model and adapter.
    func promptless(
        _ examples: [Example], _ embeddings: [ImageEmbedding], labelCount: Int
    ) throws -> [SupportProfile] {
        try profiles(examples, embeddings, labelCount: labelCount, purpose: .fold)
    }

    /// What a profile is made for: a fold asks for no more than its masks depend on.
    private enum Purpose { case service, fold }

    private func profiles(
        _ examples: [Example], _ embeddings: [ImageEmbedding], labelCount: Int, purpose: Purpose
    ) throws -> [SupportProfile] {
        let distance = EmbeddingDistance(
            descriptors: purpose == .fold ? [] : embeddings.map { EmbeddingDistance.descriptor($0) })
        let limit = max(SupportProfile.measuredLimit / labelCount, SupportProfile.leastMeasured)
        return try (0..<labelCount).map { label in
            let grid = predictor[label].model.configuration.grid
            var items: [Item] = []
            for (example, embedding) in zip(examples, embeddings) {
                let mask = example.labels.mask(label)
                guard !mask.isEmpty || labelCount == 1 else { continue }
                try pause()
                let tokens = MaskTarget(mask, geometry: embedding.geometry, side: grid)
                items.append(
                    Item(
                        image: example.image, embedding: embedding, moments: TokenMoments(embedding, target: tokens),
                        tokens: tokens, mask: mask))
            }
            let reader = PromptlessReader(predictor[label], isAdapted: isAdapted)
            return try profile(items, distance, reader, limit: limit, purpose)
        }
    }

    private func profile(
        _ items: [Item], _ distance: EmbeddingDistance, _ reader: PromptlessReader, limit: Int,
        _ purpose: Purpose
    ) throws -> SupportProfile {
        guard let first = items.first else {
            // No example shows the label: nothing is known of it but what the adapter may have learnt elsewhere.
            return SupportProfile(
                distance: distance, prototypes: nil, presence: nil, route: .model, routeDice: [:], review: [:])
        }
        let total = items.dropFirst().reduce(first.moments) { $0 + $1.moments }
        let whole = Prototypes(total)
        let measured = items.prefix(limit)
        // Without the example itself, or the map would be drawn from the answer.
        let without = measured.map { item in items.count > 1 ? Prototypes(total - item.moments) : whole }
        let shift = bestShift(Array(measured), without)
        let prototypes = whole?.lowered(by: shift)
        let others = without.map { $0?.lowered(by: shift) }

        let isCompared = items.count > 1 && !(reader.isAdapted && purpose == .fold)
        let scores = isCompared ? try routeDice(Array(measured), others, reader) : [:]
        let dice = scores.mapValues { $0.reduce(0, +) / Double($0.count) }
        let route: PromptlessRoute =
            reader.isAdapted || prototypes == nil ? .model : PromptlessRoute.best(scores) ?? .mask
        let presence = presence(Array(measured), others)
        let debris = Debris(items.map(\.mask))
        let unmeasured = SupportProfile(
            distance: distance, prototypes: prototypes, presence: presence, debris: debris, route: route,
            routeDice: dice, review: [:])
        guard purpose == .service, !isCalibrated else { return unmeasured }
        let review =
            try tiling.map { try tiledReview(items.prefix(Self.tiledLimit), $0, reader) }
            ?? review(Array(measured), unmeasured, reader)
        return SupportProfile(
            distance: distance, prototypes: prototypes, presence: presence, debris: debris, route: route,
            routeDice: dice, review: review)
    }

    /// Steps in which thresholds are tried.
    private static let thresholdCount = 128

    /// The similarity above which tokens make the masks with the best mean Dice; 0 without any map.
    private func bestShift(_ items: [Item], _ others: [Prototypes?]) -> Float {
        let maps = zip(items, others).compactMap { item, prototypes in
            prototypes.map { (item: item, map: SimilarityMap($0, item.embedding)) }
        }
        let values = maps.flatMap { pair in
            zip(pair.map.values, pair.item.tokens.weight).filter { $0.1 >= 0.5 }.map(\.0)
        }.sorted()
        guard !values.isEmpty else { return 0 }
        let thresholds = (1..<Self.thresholdCount).map { values[$0 * (values.count - 1) / Self.thresholdCount] }
        var best: (shift: Float, dice: Double) = (0, -1)
        for threshold in thresholds {
            let dice = maps.reduce(0.0) { sum, pair in
                sum + pair.item.tokens.softDice(pair.map.values.map { $0 - threshold })
            }
            if dice > best.dice { best = (threshold, dice) }
        }
        return best.shift
    }

    /// The Dice of each way on each of the items that have a map.
    private func routeDice(
        _ items: [Item], _ others: [Prototypes?], _ reader: PromptlessReader
    ) throws -> [PromptlessRoute: [Double]] {
        var scores: [PromptlessRoute: [Double]] = [:]
        for (item, prototypes) in zip(items, others) {
            try pause()
            let truth = MaskTarget(
                item.mask, geometry: item.embedding.geometry, side: reader.predictor.model.configuration.logitsSide)
            guard let map = prototypes.map({ SimilarityMap($0, item.embedding) }) else { continue }
            for route in PromptlessRoute.allCases {
                let answer = try reader.prediction(route, item.embedding, map)
                scores[route, default: []].append(truth.dice(answer.lowResolutionLogits.elements))
            }
        }
        return scores
    }

    private func presence(_ items: [Item], _ others: [Prototypes?]) -> Presence? {
        let areas = items.map { item in zip(item.tokens.truth, item.tokens.weight).reduce(0) { $0 + $1.0 * $1.1 } }
        let usual = areas.sorted()[areas.count / 2]
        let tokenCount = max(Int((usual / 2).rounded()), 1)
        var (found, absent): ([Float], [Float]) = ([], [])
        for (item, prototypes) in zip(items, others) {
            guard let prototypes else { continue }
            let map = SimilarityMap(prototypes, item.embedding)
            let near = item.tokens.neighbourhood
            let image = map.values.indices.filter { item.tokens.weight[$0] >= 0.5 }
            guard let whole = Presence.statistic(image.map { map.values[$0] }, tokenCount: tokenCount) else { continue }
            found.append(whole)
            let beside = image.filter { !near[$0] }
            // A handful of tokens says little about an image without the object.
            if beside.count >= 4 * tokenCount,
                let rest = Presence.statistic(beside.map { map.values[$0] }, tokenCount: tokenCount)
            {
                absent.append(rest)
            }
        }
        return found.isEmpty ? nil : Presence(tokenCount: tokenCount, found: found, absent: absent)
    }

    /// How well answers agree under jitter, and how good they are, by kind of prompt.
    private func review(
        _ items: [Item], _ profile: SupportProfile, _ reader: PromptlessReader
    ) throws -> [PromptKind: ReviewThreshold] {
        var pairs: [PromptKind: [ReviewThreshold.Pair]] = [:]
        for (index, item) in items.enumerated() {
            try pause()
            guard let simulator = PromptSimulator(mask: item.mask) else { continue }
            let image = EmbeddedImage(item.image, by: reader.predictor, whole: item.embedding)
            var generator = SeededRandom(seed: UInt64(index))
            for kind in [PromptKind.box, .point, .none] {
                try pause()
                let prompt = simulator.prompt(kind, using: &generator)
                let embedding = image.embedding(for: prompt)
                let truth = MaskTarget(
                    item.mask, geometry: embedding.geometry, side: reader.predictor.model.configuration.logitsSide)
                let (answer, given) = try reader.answer(prompt, embedding, profile)
                let spread = try reader.spread(answer, given: given, embedding)
                pairs[kind, default: []].append(
                    .init(agreement: spread.agreement, dice: truth.dice(answer.lowResolutionLogits.elements)))
            }
        }
        return pairs.mapValues { ReviewThreshold($0) }
    }
}

extension SupportProfiler {
    /// Examples that an adapter of tiles is calibrated on: each costs dozens of passes of the encoder.
    private static let tiledLimit = 4

    /// As `review`, in tiles.
    private func tiledReview(
        _ items: ArraySlice<Item>, _ tiling: Tiling, _ reader: PromptlessReader
    ) throws -> [PromptKind: ReviewThreshold] {
        var pairs: [PromptKind: [ReviewThreshold.Pair]] = [:]
        for (index, item) in items.enumerated() {
            guard let simulator = PromptSimulator(mask: item.mask) else { continue }
            let image = TiledImage(
                width: item.image.width, height: item.image.height, tiling: tiling, by: reader.predictor
            ) { window in
                try reader.predictor.embed(item.image, window: window, pause: self.pause)
            }
            var generator = SeededRandom(seed: UInt64(index))
            for kind in [PromptKind.box, .point, .none] {
                try pause()
                let prompt = simulator.prompt(kind, using: &generator)
                let answer = try image.segment(prompt)
                let truth = MaskTarget(
                    item.mask, geometry: answer.geometry, side: answer.lowResolutionLogits.shape[0])
                let spread = try image.spread(answer, given: prompt)
                pairs[kind, default: []].append(
                    .init(agreement: spread.agreement, dice: truth.dice(answer.lowResolutionLogits.elements)))
            }
        }
        return pairs.mapValues { ReviewThreshold($0) }
    }
}

extension TiledImage {
    /// How an answer holds when its prompt is varied.
    package func spread(_ answer: MaskPrediction, given prompt: Prompt, mask: Mask? = nil) throws -> MaskSpread {
        let nearby = PromptJitter.prompts(around: prompt, answer: answer.mask(), count: PromptJitter.tiledCount)
        return MaskSpread(answer, others: try nearby.map { try segment($0, mask: mask) })
    }
}

/// Answers of one model, with or without a prompt.
package struct PromptlessReader: Sendable {
    package let predictor: Predictor
    package let isAdapted: Bool

    package init(_ predictor: Predictor, isAdapted: Bool) {
        self.predictor = predictor
        self.isAdapted = isAdapted
    }

    /// One mask a prompt, by the rule of the model's tier: adapters are trained on the single mask, and the others know
    /// nothing of the task.
    package func predictions(
        _ embedding: ImageEmbedding, _ prompts: [Prompt]
    ) throws(PromptError) -> [MaskPrediction] {
        guard isAdapted else { return try predictor.segment(embedding, prompts) }
        return try predictor.predict(embedding, prompts).map { $0[0] }
    }

    /// The answer by `route`.
    func prediction(
        _ route: PromptlessRoute, _ embedding: ImageEmbedding, _ map: SimilarityMap
    ) throws(PromptError) -> MaskPrediction {
        let model = predictor.model.configuration
        guard let prompt = map.prompt(route, model) else { return map.prediction(model) }
        return try predictions(embedding, [prompt])[0]
    }

    /// The answer to `prompt`, by the profile's route when it is none, and what the decoder was told in the end.
    package func answer(
        _ prompt: Prompt, _ embedding: ImageEmbedding, _ profile: SupportProfile?
    ) throws(PromptError) -> (answer: MaskPrediction, given: Prompt) {
        guard prompt == .none, let profile, let prototypes = profile.prototypes, profile.route != .model else {
            return (try predictions(embedding, [prompt])[0], prompt)
        }
        let map = SimilarityMap(prototypes, embedding)
        let answer = try prediction(profile.route, embedding, map)
        // What is varied is the answer's own prompt; the map and its mask have none that a hand could have given.
        let given = map.prompt(profile.route, predictor.model.configuration)
        return (answer, profile.route == .box || profile.route == .point ? given ?? .none : .none)
    }

    /// How an answer holds when its prompt is varied.
    package func spread(
        _ answer: MaskPrediction, given prompt: Prompt, _ embedding: ImageEmbedding, count: Int = PromptJitter.count
    ) throws(PromptError) -> MaskSpread {
        let nearby = PromptJitter.prompts(around: prompt, answer: answer.mask(), count: count)
        return MaskSpread(answer, others: nearby.isEmpty ? [] : try predictions(embedding, nearby))
    }
}

extension MaskTarget {
    /// Dice of the mask that `logits` draw, `[side, side]`, over the cells that are image. 1 when both are empty.
    package func dice(_ logits: [Float]) -> Double {
        var (both, sum) = (0.0, 0.0)
        for cell in logits.indices {
            let (isDrawn, isTrue) = (logits[cell] > 0, truth[cell] >= 0.5)
            if isDrawn && isTrue { both += Double(weight[cell]) }
            if isDrawn { sum += Double(weight[cell]) }
            if isTrue { sum += Double(weight[cell]) }
        }
        return sum == 0 ? 1 : 2 * both / sum
    }

    /// Dice of the cells above 0 with the truth's shares.
    func softDice(_ logits: [Float]) -> Double {
        var (both, sum) = (0.0, 0.0)
        for cell in logits.indices {
            let object = Double(truth[cell] * weight[cell])
            sum += object
            guard logits[cell] > 0 else { continue }
            both += object
            sum += Double(weight[cell])
        }
        return sum == 0 ? 1 : 2 * both / sum
    }

    /// Cells that the object touches, and their neighbours.
    var neighbourhood: [Bool] {
        truth.indices.map { cell in
            let (x, y) = (cell % side, cell / side)
            return (max(y - 1, 0)...min(y + 1, side - 1)).contains { row in
                (max(x - 1, 0)...min(x + 1, side - 1)).contains { truth[row * side + $0] > 0 }
            }
        }
    }
}
