import Adaptation
import Imaging
import Metrics
import SegmentAnything

/// One mask of an answer.
struct SegmentedMask: Sendable {
    /// Which of the task's labels it shows, counted from 0.
    let label: Int
    /// Which prompt it answers, counted from 0: the box's index, or 0.
    let prompt: Int
    /// 0 but with `multimask`, where the candidates of a prompt are ranked by score.
    let candidate: Int
    /// Which of several objects it is, counted from 0; nil unless `instances` asked for them.
    fileprivate(set) var instance: Int?
    let mask: Mask
    /// An estimate of its intersection over union, within 0…1; of an object that is not there, that of its being there.
    let score: Double
    /// False: the object is not in the image, and the mask is empty.
    let isFound: Bool
    /// When the request asked for it.
    let spread: MaskSpread?
}

/// What an answer says beside its masks.
struct Segmented: Sendable {
    let masks: [SegmentedMask]
    /// How each label that was asked for was come by without a prompt; none with one.
    let promptless: [PromptlessRoute]
    /// Whether `instances` found more objects than are answered.
    var isCut = false
}

/// From an embedding and prompts to masks at the image's size: the cheap half of a request, a few milliseconds a label.
struct Segmenter: Sendable {
    private let predictor: LabelledPredictor
    private let isAdapted: Bool
    private let profile: TaskProfile?
    /// Of an adapter with one label; nil: it sees images whole.
    private let tiling: Tiling?

    init(model: SegmentAnythingModel, tier: Tier, profile: TaskProfile?) {
        let adapter = tier.adapter?.adapter
        predictor = LabelledPredictor(model, adjustments: adapter?.adjustments ?? [.none])
        isAdapted = adapter != nil
        tiling = adapter?.card.tiling
        self.profile = profile
    }

    private func reader(_ label: Int) -> PromptlessReader {
        PromptlessReader(predictor[label], isAdapted: isAdapted)
    }

    /// - Parameters:
    ///   - views: What the prompts are answered on.
    ///   - labels: Asked for; several only where nobody points.
    func masks(_ views: PromptViews, _ options: SegmentOptions, of labels: [Int]) throws -> Segmented {
        precondition(!labels.isEmpty, "no label to segment")
        guard labels.count > 1 else {
            if let tiling { return try tiled(views, tiling, options, label: labels[0]) }
            return try masks(views, options, label: labels[0])
        }
        return try together(views, options, labels)
    }

    private func masks(
        _ views: PromptViews, _ options: SegmentOptions, label: Int
    ) throws -> Segmented {
        let (prompts, reader) = (views.prompts, reader(label))
        if options.multimask {
            var ranked = [[MaskPrediction]](repeating: [], count: prompts.count)
            for (embedding, members) in views.groups {
                let answers = try reader.predictor.predict(
                    embedding, members.map { prompts[$0] }, multimask: true)
                for (member, candidates) in zip(members, answers) { ranked[member] = candidates }
            }
            var masks: [SegmentedMask] = []
            for (index, candidates) in ranked.enumerated() {
                for (rank, answer) in candidates.enumerated() {
                    // What was asked for is already the choice that uncertainty would describe.
                    masks.append(SegmentedMask(answer, label: label, prompt: index, candidate: rank))
                }
            }
            return Segmented(masks: masks, promptless: options.prompts.isEmpty ? [.model] : [])
        }
        if options.prompts.isEmpty { return try promptless(views, options, label) }
        let mirrored = try views.mirrored.first.map { try answers($0, reader) }
        let masks = try answers(views, reader).enumerated().map { index, found in
            if let mirrored {
                let mean = found.final.averaged(withMirrored: mirrored[index].final)
                return SegmentedMask(mean, label: label, prompt: index)
            }
            // Prompts nearby are asked once, not in close-ups: what they agree with is what was seen then.
            let spread =
                options.uncertainty
                ? try reader.spread(found.seen, given: prompts[index], found.embedding, profile?[label]) : nil
            return SegmentedMask(found.final, label: label, prompt: index, spread: spread)
        }
        return Segmented(masks: masks, promptless: [])
    }

    /// The answer to each prompt on its part of the image and the one that counts, and the embedding that it was given on.
    private func answers(
        _ views: PromptViews, _ reader: PromptlessReader
    ) throws -> [(seen: MaskPrediction, final: MaskPrediction, embedding: ImageEmbedding)] {
        var answers: [(index: Int, seen: MaskPrediction, final: MaskPrediction, embedding: ImageEmbedding)] = []
        for (embedding, members) in views.groups {
            if !views.answers.isEmpty {
                answers += members.map { ($0, views.answers[$0].seen, views.answers[$0].final, embedding) }
                continue
            }
            let found = try reader.predictions(embedding, members.map { views.prompts[$0] })
            answers += zip(members, found).map { ($0, $1, $1, embedding) }
        }
        return answers.sorted { $0.index < $1.index }.map { ($0.seen, $0.final, $0.embedding) }
    }

    /// Every prompt on all tiles that it concerns.
    private func tiled(
        _ views: PromptViews, _ tiling: Tiling, _ options: SegmentOptions, label: Int
    ) throws -> Segmented {
        let image = tiledImage(views, tiling, label)
        let mirrored = views.mirrored.first.map { (image: tiledImage($0, tiling, label), views: $0) }
        if options.instances {
            let route = profile?[label].route ?? .model
            if let absent = absent(views.reference, label) { return Segmented(masks: [absent], promptless: [route]) }
            let found = InstanceFinder.pieces(of: try image.segment(.none))
            return Segmented(masks: objects(found.objects, label), promptless: [route], isCut: found.isCut)
        }
        if options.prompts.isEmpty {
            return try unprompted(views, [label]) { _ in
                var answer = try image.segment(.none)
                if let mirrored { answer = answer.averaged(withMirrored: try mirrored.image.segment(.none)) }
                return (answer, nil, options.uncertainty ? try image.spread(answer, given: .none) : nil)
            }
        }
        let masks = try views.prompts.enumerated().map { index, prompt in
            // The mask goes to the tiles as it is, not as the coarse logits of the whole.
            var prompt = prompt
            prompt.maskLogits = nil
            var answer = try image.segment(prompt, mask: options.prompts.mask)
            if let mirrored {
                var prompt = mirrored.views.prompts[index]
                prompt.maskLogits = nil
                let mask = options.prompts.mask?.flippedHorizontally()
                answer = answer.averaged(withMirrored: try mirrored.image.segment(prompt, mask: mask))
            }
            let spread =
                options.uncertainty
                ? try image.spread(answer, given: prompt, mask: options.prompts.mask) : nil
            return SegmentedMask(answer, label: label, prompt: index, spread: spread)
        }
        return Segmented(masks: masks, promptless: [])
    }

    private func tiledImage(_ views: PromptViews, _ tiling: Tiling, _ label: Int) -> TiledImage {
        let geometry = views.reference.geometry
        return TiledImage(
            width: geometry.originalWidth, height: geometry.originalHeight, tiling: tiling, by: predictor[label]
        ) { window in
            guard let tile = views.tiles[window] else { preconditionFailure("a tile that no prompt concerns") }
            return tile
        }
    }

    private func promptless(
        _ views: PromptViews, _ options: SegmentOptions, _ label: Int
    ) throws -> Segmented {
        let embedding = views.reference
        guard options.instances else { return try together(views, options, [label]) }
        if let absent = absent(embedding, label) {
            return Segmented(masks: [absent], promptless: [profile?[label].route ?? .model])
        }
        return try instances(views, label)
    }

    /// Every label at once: each pixel is given to the likeliest of them.
    private func together(
        _ views: PromptViews, _ options: SegmentOptions, _ labels: [Int]
    ) throws -> Segmented {
        return try unprompted(views, labels) { label in
            let reader = reader(label)
            let profile = profile?[label]
            if let known = views.answers.first {
                if let mirrored = views.mirrored.first?.answers.first {
                    return (known.final.averaged(withMirrored: mirrored.final), nil, nil)
                }
                let spread =
                    options.uncertainty ? try reader.spread(known.seen, given: .none, views.reference, profile) : nil
                return (known.final, nil, spread)
            }
            let found = try answer(views, reader, profile)
            if let mirrored = views.mirrored.first {
                let other = try answer(mirrored, reader, profile, isMirrored: true)
                let likeness = found.likeness.flatMap { one in
                    other.likeness.map { one.averaged(withMirrored: $0) }
                }
                return (found.prediction.averaged(withMirrored: other.prediction), likeness, nil)
            }
            let spread =
                options.uncertainty
                ? try reader.spread(found.prediction, given: found.given, found.embedding, profile) : nil
            return (found.prediction, found.likeness, spread)
        }
    }

    /// To no prompt.
    private func answer(
        _ views: PromptViews, _ reader: PromptlessReader, _ profile: SupportProfile?, isMirrored: Bool = false
    ) throws(PromptError) -> PromptlessReader.Answer {
        try reader.answer(
            .none, views.reference, base: views.base, profile, isMirrored: isMirrored, byPixels: views.byPixels)
    }

    /// - Parameter answer: The decoder's to a label without a prompt, the likeness that had a part in it, and its spread where that is wanted.
    private func unprompted(
        _ views: PromptViews, _ labels: [Int],
        answer: (Int) throws -> (MaskPrediction, likeness: MaskPrediction?, MaskSpread?)
    ) throws -> Segmented {
        if labels.count > 1, profile == nil, !isAdapted {
            // The model as it came answers all labels alike; without a support set nobody tells one from another.
            return Segmented(
                masks: labels.map { Self.empty(views.reference, $0, score: 0) }, promptless: labels.map { _ in .model })
        }
        let answers = try Unprompted.answers(
            labels, on: views.reference, mirrored: views.mirrored.first?.reference, profile: { profile?[$0] },
            answer: { label in
                let (prediction, likeness, spread) = try answer(label)
                return (prediction, likeness, detail: labels.count > 1 ? spread?.contested() : spread)
            })
        return Segmented(
            masks: answers.map { answer in
                SegmentedMask(
                    label: answer.label, prompt: 0, candidate: 0, instance: nil, mask: answer.mask,
                    score: SegmentedMask.bounded(answer.score), isFound: !answer.mask.isEmpty,
                    spread: answer.detail ?? nil)
            },
            promptless: answers.map(\.route))
    }

    /// An empty mask where the support set says that the image does not show the label; nil where it may.
    private func absent(_ embedding: ImageEmbedding, _ label: Int) -> SegmentedMask? {
        guard let found = profile?[label].presence(embedding), !found.isThere else { return nil }
        return Self.empty(embedding, label, score: found.score)
    }

    /// Of a label that is not found.
    private static func empty(_ embedding: ImageEmbedding, _ label: Int, score: Double) -> SegmentedMask {
        SegmentedMask(
            label: label, prompt: 0, candidate: 0, instance: nil,
            mask: Mask(empty: embedding.geometry.originalWidth, height: embedding.geometry.originalHeight),
            score: score, isFound: false, spread: nil)
    }

    /// Every object by itself: no mask at all when there is none.
    private func instances(_ views: PromptViews, _ label: Int) throws(PromptError) -> Segmented {
        let (reader, embedding) = (reader(label), views.reference)
        let finder = InstanceFinder(reader)
        let profile = profile?[label]
        // An adapter knows what is meant, though the support set that taught it may be elsewhere.
        guard profile != nil || isAdapted else {
            // Of a grid of fewer points than may be answered. What it finds may be part of something else that it finds.
            var found = try finder.everything(embedding).map { SegmentedMask($0, label: label) }.filter(\.isFound)
            for index in found.indices { found[index].instance = index }
            return Segmented(masks: found, promptless: [])
        }
        let (whole, route) = (try answer(views, reader, profile).prediction, profile?.route ?? .model)
        // What the decoder's cells cannot draw it cannot refine.
        if route == .pixels {
            let found = InstanceFinder.pieces(of: whole.inPixels())
            return Segmented(masks: objects(found.objects, label), promptless: [route], isCut: found.isCut)
        }
        let found = try finder.instances(embedding, within: whole)
        return Segmented(masks: objects(found.objects, label), promptless: [route], isCut: found.isCut)
    }

    /// Objects that a task means, apart from each other and without debris.
    private func objects(_ answers: some Sequence<MaskPrediction>, _ label: Int) -> [SegmentedMask] {
        var (masks, scores) = ([Mask](), [Double]())
        for answer in answers {
            masks.append(answer.mask())
            scores.append(SegmentedMask.bounded(Double(answer.predictedIoU)))
        }
        guard let image = masks.first else { return [] }
        let least = profile?[label].debris?.leastArea(width: image.width, height: image.height) ?? 1
        return ObjectMasks.separate(&masks, least: least).enumerated().map { number, index in
            SegmentedMask(
                label: label, prompt: 0, candidate: 0, instance: number, mask: masks[index], score: scores[index],
                isFound: true, spread: nil)
        }
    }
}

extension SegmentedMask {
    fileprivate init(
        _ answer: MaskPrediction, label: Int, prompt: Int = 0, candidate: Int = 0, spread: MaskSpread? = nil
    ) {
        let mask = answer.mask()
        self.init(
            label: label, prompt: prompt, candidate: candidate, instance: nil, mask: mask,
            score: Self.bounded(Double(answer.predictedIoU)), isFound: !mask.isEmpty, spread: spread)
    }

    /// The head is a regression and may leave 0…1 by a little.
    fileprivate static func bounded(_ score: Double) -> Double { score.isFinite ? min(max(score, 0), 1) : 0 }
}

extension [SegmentedMask] {
    /// The best mask of each prompt, united: what `image/png` and the metrics show.
    func merged(width: Int, height: Int) -> Mask {
        let best = filter { $0.candidate == 0 }
        guard best.count > 1 else { return best.first?.mask ?? Mask(empty: width, height: height) }
        return labels(width: width, height: height).foreground
    }

    /// The label of each pixel that one of these has.
    func labels(width: Int, height: Int) -> LabelImage {
        var pixels = [UInt8](repeating: 0, count: width * height)
        for mask in self where mask.candidate == 0 {
            for (index, pixel) in mask.mask.pixels.enumerated() where pixel != 0 {
                pixels[index] = UInt8(mask.label + 1)
            }
        }
        return LabelImage(width: width, height: height, pixels: pixels)
    }
}
