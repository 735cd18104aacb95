import Adaptation
import Imaging
import Metrics
import SegmentAnything
import TestSupport
import Testing

@Suite struct SupportProfileTests {
    private func profile(_ examples: [Example], isAdapted: Bool = false) throws -> SupportProfile {
        try SupportProfiler(Predictor(tinyModel), isAdapted: isAdapted).profile(examples)
    }

    @Test func isTheSameEveryTime() throws {
        let examples = discs(3)
        #expect(try profile(examples) == profile(examples))
        #expect(try profile(examples) != profile(discs(3, seed: 8)))
    }

    @Test func measuresEveryRouteAndTakesTheBest() throws {
        let profile = try profile(discs(4))
        // Pixels are asked where cells are too coarse alone.
        #expect(Set(profile.routeDice.keys) == Set(PromptlessRoute.allCases).subtracting([.pixels, .blend]))
        let best = try #require(profile.routeDice.values.max())
        #expect(try profile.route == .model || #require(profile.routeDice[profile.route]) == best)
        #expect(Set(profile.review.keys) == [.box, .point, .none])
        #expect(profile.review.values.allSatisfy { $0.count == 4 })
        // An adapter was trained on the set: its own way is not compared there.
        let adapted = try self.profile(discs(4), isAdapted: true)
        #expect(adapted.route == .model && adapted.routeDice.isEmpty && adapted.likeness == nil)
        // Unless likeness helps it.
        let helped = try SupportProfiler(
            LabelledPredictor(Predictor(tinyModel)), isAdapted: true, likenesses: [profile.likeness]
        ).profile(discs(4))
        #expect(helped.route == .blend && helped.routeDice.isEmpty && helped.likeness == profile.likeness)
        #expect(helped.review.values.allSatisfy { $0.count == 4 })
    }

    /// What the base model answers unasked is given up only for what is reliably better.
    @Test func theModelsOwnWayIsLeftForABetterOneOnly() {
        let own = [0.8, 0.7, 0.9, 0.8]
        #expect(
            PromptlessRoute.best([.model: own, .box: [0.9, 0.85, 0.95, 0.9], .map: [0.1, 0.1, 0.1, 0.1]]) == .box)
        // Better on the mean, by one image.
        #expect(PromptlessRoute.best([.model: own, .box: [0.7, 0.6, 0.85, 1.3]]) == .model)
        // Better by so little on all that one of four could be by chance, but not the only one.
        let poor = own.map { $0 - 0.4 }
        #expect(
            PromptlessRoute.best([
                .model: own, .box: own.map { $0 + 0.035 }, .map: poor, .mask: poor, .point: poor,
            ]) == .model)
        #expect(PromptlessRoute.best([.model: own, .box: own.map { $0 + 0.035 }]) == .box)
        #expect(PromptlessRoute.best([.model: own, .box: own.map { $0 + 0.06 }]) == .box)
        #expect(PromptlessRoute.best([.model: own, .map: own]) == .model)
        #expect(PromptlessRoute.best([.model: [0.9], .box: [0.2]]) == .model)
        #expect(PromptlessRoute.best([.model: [0.1], .box: [0.9]]) == .box)
        #expect(PromptlessRoute.best([:]) == nil)
        // What is the same for all labels tells none of them.
        let several: [PromptlessRoute: [Double]] = [.model: own, .box: poor, .map: poor.map { $0 - 0.1 }]
        #expect(PromptlessRoute.best(several) == .model)
        #expect(PromptlessRoute.best(several, isOneOfSeveral: true) == .box)
        #expect(PromptlessRoute.best([.model: own], isOneOfSeveral: true) == nil)
    }

    @Test func oneExampleIsEnough() throws {
        let profile = try profile(discs(1))
        #expect(profile.routeDice.isEmpty)
        #expect(profile.route == .mask)
        #expect(profile.distance.reference == nil)
    }

    @Test func objectsThatFillTheImageHaveNoPrototype() throws {
        let example = discs(1)[0]
        let full = Mask(
            width: example.mask.width, height: example.mask.height,
            pixels: [UInt8](repeating: 1, count: example.mask.pixels.count))
        let profile = try profile([Example(image: example.image, mask: full)])
        #expect(profile.prototypes == nil && profile.presence == nil)
        #expect(profile.route == .model)
        let reader = PromptlessReader(Predictor(tinyModel), isAdapted: false)
        _ = try reader.answer(.none, reader.predictor.embed(example.image), profile, byPixels: nil)
    }

    @Test func stopsWhenAsked() {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try SupportProfiler(Predictor(tinyModel), isAdapted: false, pause: { throw Stop() }).profile(discs(2))
        }
    }
}

/// On the embedded model: the way without a prompt works before any step of training.
@Suite(.enabled(if: EmbeddedModel.isThere, "models/gmiseg-mini.safetensors is missing"))
struct UntrainedPromptlessTests {
    @Test func theSupportSetStandsInForThePrompt() throws {
        let model = try SegmentAnythingModel(path: EmbeddedModel.path)
        let predictor = Predictor(model)
        let support = try labelledImages(Fixtures.repository("examples/cardiac/support"))
        let profile = try SupportProfiler(predictor, isAdapted: false).profile(support)
        let reader = PromptlessReader(predictor, isAdapted: false)
        var (with, without, count) = (0.0, 0.0, 0.0)
        for query in try labelledImages(Fixtures.repository("examples/cardiac/queries")) {
            let embedding = predictor.embed(query.image)
            let answer = try reader.answer(.none, embedding, profile, byPixels: nil).prediction
            with += try SegmentationMetrics(prediction: answer.mask(), groundTruth: query.mask).dice
            without +=
                try SegmentationMetrics(
                    prediction: predictor.segment(embedding, [.none])[0].mask(), groundTruth: query.mask
                ).dice
            count += 1
            #expect(profile.presence(embedding)?.isThere == true)
            #expect(try #require(profile.distance.value(embedding)) < EmbeddingDistance.limit)
        }
        #expect(with / count >= without / count + 0.05, "\(without / count) → \(with / count), \(profile.routeDice)")
        // A blank image holds no heart, and is like none of the support set.
        for level: UInt8 in [0, 60, 200, 255] {
            let blank = predictor.embed(
                RGBImage(width: 160, height: 160, filledWith: Colour(red: level, green: level, blue: level)))
            #expect(profile.presence(blank)?.isThere == false)
            #expect(try #require(profile.distance.value(blank)) > EmbeddingDistance.limit)
        }
    }
}
