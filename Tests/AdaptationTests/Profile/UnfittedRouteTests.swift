import Adaptation
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// A box that likeness found is answered by the network alone, one that a hand drew is fitted to the image.
@Suite struct UnfittedRouteTests {
    @Test(arguments: [PromptlessRoute.box, .point]) func promptsThatLikenessFoundAreNotFitted(
        _ route: PromptlessRoute
    ) throws {
        var configuration = Configuration.tiny
        configuration.appearance = 1
        let query = discs(1, seed: 21)[0]
        /// What weights make of the query, and by which profile.
        func answer(
            _ seed: UInt64
        ) throws -> (
            reader: PromptlessReader, embedding: ImageEmbedding, profile: SupportProfile, found: PromptlessReader.Answer
        ) {
            let predictor = Predictor(SegmentAnythingModel(configuration: configuration, randomSeed: seed))
            let known = try SupportProfiler(predictor, isAdapted: false).profile(discs(4))
            let profile = SupportProfile(
                distance: known.distance, prototypes: known.prototypes, likeness: known.likeness,
                presence: known.presence, route: route, routeDice: known.routeDice, review: known.review)
            let (reader, embedding) = (PromptlessReader(predictor, isAdapted: false), predictor.embed(query.image))
            return (reader, embedding, profile, try reader.answer(.none, embedding, profile, byPixels: nil))
        }
        // Random weights that do not answer in lines, which are not fitted either.
        let (reader, embedding, profile, found) = try #require(
            try (0..<40).lazy.map { try answer($0) }.first { one in
                let logits = one.found.prediction.lowResolutionLogits
                return !areLines(logits.elements, side: logits.shape[0])
            })
        #expect(embedding.guide != nil)
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
