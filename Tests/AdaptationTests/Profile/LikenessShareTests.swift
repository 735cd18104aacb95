import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

/// Likeness beside an adapter's own answer.
@Suite struct LikenessShareTests {
    private static let support = discs(3)
    private static let query = discs(1, seed: 21)[0]

    private static func profile(_ predictor: Predictor) throws -> (helped: SupportProfile, likeness: Likeness) {
        let likeness = try #require(
            try SupportProfiler(Predictor(tinyModel), isAdapted: false).profile(support).likeness)
        let profiler = SupportProfiler(LabelledPredictor(predictor), isAdapted: true, likenesses: [likeness])
        return (try profiler.profile(support), likeness)
    }

    private static func trained(_ kind: AdapterKind) throws -> Predictor {
        let settings = AdaptationSettings(kind: kind, rank: 2, steps: 2)
        let adapter = try Trainer(model: tinyModel, examples: support, settings: settings).run().adapter
        return Predictor(tinyModel, adjustment: adapter.adjustment)
    }

    /// By the definition, number by number; the similarity is the base model's even where the adapter sees the image in its own way.
    @Test(arguments: [AdapterKind.decoder, .lora]) func halfOfTheSimilarityIsAdded(_ kind: AdapterKind) throws {
        let predictor = try Self.trained(kind)
        let (profile, likeness) = try Self.profile(predictor)
        #expect(profile.route == .blend)
        let (embedding, plain) = (predictor.embed(Self.query.image), Predictor(tinyModel).embed(Self.query.image))
        let base = predictor.base?.embed(Self.query.image)
        #expect((base == nil) == (kind == .decoder))
        let reader = PromptlessReader(predictor, isAdapted: true)
        let found = try reader.answer(.none, embedding, base: base, profile, byPixels: nil)
        let own = try predictor.predict(embedding, [.none])[0][0].lowResolutionLogits.elements
        let alike = likeness.map(plain).logits(tinyModel.configuration).elements
        let expected = zip(own, alike).map { min(max($0, -8), 8) + 0.5 * min(max($1, -8), 8) }
        for (one, other) in zip(found.prediction.lowResolutionLogits.elements, expected) {
            #expect(abs(one - other) <= 1e-4)
        }
        #expect(found.given == .none && found.likeness != nil)
        // Whoever points is answered by the adapter alone.
        let point = Prompt(points: [Prompt.Point(x: 20, y: 20, isForeground: true)])
        let pointed = try reader.answer(point, embedding, base: base, profile, byPixels: nil)
        let alone = try predictor.predict(embedding, [point])[0][0]
        #expect(pointed.prediction.lowResolutionLogits.elements == alone.lowResolutionLogits.elements)
        #expect(pointed.likeness == nil)
    }
}
