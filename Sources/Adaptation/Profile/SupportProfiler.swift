import Imaging
package import SegmentAnything
import Tensor

/// Looks at a support set through one model and adapter.
package struct SupportProfiler {
    private let predictor: LabelledPredictor
    private let isAdapted: Bool
    /// By label, what the base model finds alike, to help an adapter's answers.
    private let likenesses: [Likeness?]
    /// How the adapter sees images; nil: whole.
    private let tiling: Tiling?
    /// Whether folds have said when to look again.
    private let isCalibrated: Bool
    let pause: () throws -> Void

    /// - Parameters:
    ///   - predictor: Of the model, with the adapter if there is one.
    ///   - isAdapted: Whether it was trained on these very examples: its own answers to no prompt then say nothing about new
    ///     images, and no ways are compared.
    ///   - likenesses: Of an adapter that is helped by it (``LikenessShare``), by label what the base model's profile of the same examples found alike; none
    ///     where nothing is to help it.
    ///   - tiling: The tiles that the adapter answers in.
    ///   - isCalibrated: Whether folds have said when an answer should be looked at again; the profile then does not.
    ///   - pause: Called before each image and each block of the encoder; throws to stop.
    package init(
        _ predictor: LabelledPredictor, isAdapted: Bool, likenesses: [Likeness?] = [], tiling: Tiling? = nil,
        isCalibrated: Bool = false, pause: @escaping () throws -> Void = {}
    ) {
        precondition(likenesses.isEmpty || isAdapted && tiling == nil, "likeness helps adapters on whole images")
        self.likenesses = likenesses
        self.predictor = predictor
        self.isAdapted = isAdapted
        self.tiling = tiling
        self.isCalibrated = isCalibrated
        self.pause = pause
    }

    package init(_ predictor: Predictor, isAdapted: Bool, pause: @escaping () throws -> Void = {}) {
        self.init(LabelledPredictor(predictor), isAdapted: isAdapted, pause: pause)
    }

    struct Item {
        let image: RGBImage
        let embedding: ImageEmbedding
        let moments: FeatureMoments
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
                        image: example.image, embedding: embedding, moments: FeatureMoments(embedding, target: tokens),
                        tokens: tokens, mask: mask))
            }
            let reader = PromptlessReader(predictor[label], isAdapted: isAdapted)
            return try profile(
                items.spread(limit), distance, reader, isAdapted && !likenesses.isEmpty ? likenesses[label] : nil,
                limit: limit,
                isOneOfSeveral: labelCount > 1, purpose)
        }
    }

    /// - Parameter known: What helps an adapter.
    private func profile(
        _ items: [Item], _ distance: EmbeddingDistance, _ reader: PromptlessReader, _ known: Likeness?, limit: Int,
        isOneOfSeveral: Bool, _ purpose: Purpose
    ) throws -> SupportProfile {
        guard let first = items.first else {
            // No example shows the label: nothing is known of it but what the adapter may have learnt elsewhere.
            return SupportProfile(
                distance: distance, prototypes: nil, likeness: nil, presence: nil,
                isUnknown: isOneOfSeveral && !reader.isAdapted, route: .model, routeDice: [:], review: [:])
        }
        let measured = Array(items.prefix(limit))
        let total = items.dropFirst().reduce(first.moments) { $0 + $1.moments }
        let whole = Prototypes(total)
        // Without the example itself, or it would be looked for by what is known of it. Not without its patient: measured so, good ways were not
        // taken (docs/decisions/0018-likeness-in-place.md).
        let without = measured.map { item in items.count > 1 ? Prototypes(total - item.moments) : whole }

        // An adapter goes its own way, with what is known already.
        let alike =
            reader.isAdapted
            ? nil : try LikenessProfiler(items.map { ($0.embedding, $0.tokens) }, limit: limit, pause: pause)
        let likeness = reader.isAdapted ? known : alike?.likeness
        // That of labels among each other was measured on whole images alone.
        let thin =
            reader.isAdapted || isOneOfSeveral
            ? nil
            : try PixelProfiler(
                items.map { ($0.image, $0.mask) }, limit: limit, model: reader.predictor.model.configuration,
                pause: pause)
        let (pixels, pixelsWithout) = thin?.prototypes() ?? (nil, [])
        let comparedPixels = pixels == nil ? [] : pixelsWithout
        let scores =
            try alike.map { items.count > 1 ? try routeDice(measured, $0.maps, comparedPixels, reader) : [:] } ?? [:]
        let dice = scores.mapValues { $0.reduce(0, +) / Double($0.count) }
        let route = route(scores, reader, likeness, pixels, isOneOfSeveral: isOneOfSeveral)
        let presence = presence(measured, without)
        let debris = Debris(items.map(\.mask))
        let isUnknown = isOneOfSeveral && !reader.isAdapted && likeness == nil
        let unmeasured = SupportProfile(
            distance: distance, prototypes: whole, likeness: likeness, pixels: pixels, presence: presence,
            isUnknown: isUnknown, debris: debris, route: route, routeDice: dice, review: [:])
        guard purpose == .service, !isCalibrated else { return unmeasured }
        let review =
            try tiling.map { try self.review(items, $0, reader) }
            ?? self.review(
                measured, unmeasured, reader,
                unprompted: unprompted(unmeasured, alike?.others ?? [], comparedPixels, isAlone: items.count == 1))
        return SupportProfile(
            distance: distance, prototypes: whole, likeness: likeness, pixels: pixels, presence: presence,
            isUnknown: isUnknown, debris: debris, route: route, routeDice: dice, review: review)
    }

    /// The profile by which each of the measured items is answered without a prompt, to see when such answers are to be looked at again: without what
    /// the item itself taught. Of an adapter, which was trained on all of them, and of a single item there is none but the whole.
    ///
    /// - Returns: Nil for an item of which the others teach nothing.
    private func unprompted(
        _ profile: SupportProfile, _ likenesses: [Likeness?], _ pixels: [PixelPrototypes?], isAlone: Bool
    ) -> (Int) -> SupportProfile? {
        if isAlone || likenesses.isEmpty || profile.route == .model { return { _ in profile } }
        return { index in
            let own = profile.route == .pixels ? pixels[index] : nil
            let isKnown = profile.route == .pixels ? own != nil : likenesses[index] != nil
            return isKnown ? profile.knowing(likenesses[index], own) : nil
        }
    }

    private func route(
        _ scores: [PromptlessRoute: [Double]], _ reader: PromptlessReader, _ likeness: Likeness?,
        _ pixels: PixelPrototypes?, isOneOfSeveral: Bool
    ) -> PromptlessRoute {
        if likeness == nil { return .model }
        if reader.isAdapted { return .blend }
        // Of a single example nothing was measured.
        return PromptlessRoute.best(scores, isOneOfSeveral: isOneOfSeveral) ?? (pixels == nil ? .mask : .pixels)
    }

    /// The Dice of each way on each of the items that have a map: of the decoder's cells, or where those are too coarse to compare, of
    /// pixels.
    ///
    /// - Parameters:
    ///   - maps: Of the items, each by what the others teach.
    ///   - pixels: Prototypes of pixels made without the item; none where cells will do.
    private func routeDice(
        _ items: [Item], _ maps: [SimilarityMap?], _ pixels: [PixelPrototypes?], _ reader: PromptlessReader
    ) throws -> [PromptlessRoute: [Double]] {
        var scores: [PromptlessRoute: [Double]] = [:]
        for (index, (item, map)) in zip(items, maps).enumerated() {
            try pause()
            let truth = MaskTarget(
                item.mask, geometry: item.embedding.geometry, side: reader.predictor.model.configuration.logitsSide)
            guard let map else { continue }
            let own = pixels.isEmpty ? nil : pixels[index]
            for route in PromptlessRoute.ofTokens {
                let answer = try reader.prediction(route, item.embedding, map)
                scores[route, default: []].append(
                    pixels.isEmpty
                        ? truth.dice(answer.lowResolutionLogits.elements) : item.mask.dice(answer.mask()))
            }
            if !pixels.isEmpty {
                try pause()
                scores[.pixels, default: []].append(own.map { item.mask.dice($0.prediction(item.image).mask()) } ?? 0)
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
            let map = SimilarityMap(prototypes.similarity(item.embedding), item.embedding)
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
}
