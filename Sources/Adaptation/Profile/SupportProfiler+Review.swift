import Basics
import Imaging
import SegmentAnything
import Tensor

/// When an answer should be looked at again, by the support set itself: where folds have not said it.
extension SupportProfiler {
    /// Examples that an adapter of tiles is calibrated on: each costs dozens of passes of the encoder.
    private static let tiledLimit = 4

    /// How well answers agree under jitter, and how good they are, by kind of prompt.
    ///
    /// - Parameter unprompted: By which profile an item is answered without a prompt; nil: it is left out.
    func review(
        _ items: [Item], _ profile: SupportProfile, _ reader: PromptlessReader,
        unprompted: (Int) -> SupportProfile?
    ) throws -> [PromptKind: ReviewThreshold] {
        var pairs: [PromptKind: [ReviewThreshold.Pair]] = [:]
        let unadapted = profile.route == .blend ? reader.predictor.base : nil
        for (index, item) in items.enumerated() {
            try pause()
            guard let simulator = PromptSimulator(mask: item.mask) else { continue }
            let base = try unadapted?.embed(item.image, pause: pause)
            let image = EmbeddedImage(item.image, by: reader.predictor, whole: item.embedding)
            var generator = SeededRandom(seed: UInt64(index))
            for kind in [PromptKind.box, .point, .none] {
                try pause()
                let view = try image.view(of: simulator.prompt(kind, using: &generator))
                guard let profile = kind == .none ? unprompted(index) : profile else { continue }
                let found = try reader.answer(
                    view.prompt, view.embedding, base: base, profile, byPixels: profile.pixels?.prediction(item.image))
                let answer = found.prediction
                let spread = try reader.spread(answer, given: found.given, found.embedding, profile)
                let truth = MaskTarget(
                    item.mask, geometry: answer.geometry, side: answer.lowResolutionLogits.shape[0])
                pairs[kind, default: []].append(
                    .init(agreement: spread.agreement, dice: truth.dice(answer.lowResolutionLogits.elements)))
            }
        }
        return pairs.mapValues { ReviewThreshold($0) }
    }

    /// The same of an adapter that answers in tiles.
    func review(
        _ items: [Item], _ tiling: Tiling, _ reader: PromptlessReader
    ) throws -> [PromptKind: ReviewThreshold] {
        var pairs: [PromptKind: [ReviewThreshold.Pair]] = [:]
        for (index, item) in items.spread(Self.tiledLimit).prefix(Self.tiledLimit).enumerated() {
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
