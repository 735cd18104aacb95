import Adaptation
import SegmentAnything
import Tensor
import Testing

/// A box that likeness found is answered by the network alone, one that a hand drew is fitted to the image.
@Suite struct UnfittedRouteTests {
    @Test(arguments: [PromptlessRoute.box, .point]) func promptsThatLikenessFoundAreNotFitted(
        _ route: PromptlessRoute
    ) throws {
        var configuration = Configuration.tiny
        configuration.appearance = 1
        let model = SegmentAnythingModel(configuration: configuration, randomSeed: 5)
        let known = try SupportProfiler(Predictor(model), isAdapted: false).profile(discs(4))
        let profile = SupportProfile(
            distance: known.distance, prototypes: known.prototypes, likeness: known.likeness, presence: known.presence,
            route: route, routeDice: known.routeDice, review: known.review)
        let (predictor, query) = (Predictor(model), discs(1, seed: 21)[0])
        let embedding = predictor.embed(query.image)
        #expect(embedding.guide != nil)
        let reader = PromptlessReader(predictor, isAdapted: false)
        let found = try reader.answer(.none, embedding, profile, byPixels: nil)
        #expect(found.given != .none && found.embedding.guide == nil)
        func logits(_ embedding: ImageEmbedding) throws -> [Float] {
            try reader.predictions(embedding, [found.given])[0].lowResolutionLogits.elements
        }
        let answer = found.prediction.lowResolutionLogits.elements
        #expect(try answer == logits(embedding.plain))
        // The same prompt by hand is another matter.
        #expect(try answer != logits(embedding))
        let byHand = try reader.answer(found.given, embedding, profile, byPixels: nil)
        #expect(try byHand.prediction.lowResolutionLogits.elements == logits(embedding))
        #expect(byHand.embedding.guide != nil)
    }
}
