import Adaptation
import SegmentAnything
import TestSupport
import Testing

/// The product's promise, kept on the embedded model and the cardiac phantoms: eight examples make promptless use work.
@Suite(.enabled(if: EmbeddedModel.isThere, "models/gmiseg-mini.safetensors is missing"))
struct PhantomTests {
    @Test func theDefaultRecipeTeachesThePromptlessHeart() throws {
        let model = try SegmentAnythingModel(path: EmbeddedModel.path)
        let support = try labelledImages(Fixtures.repository("examples/cardiac/support"))
        let queries = try labelledImages(Fixtures.repository("examples/cardiac/queries"))
        #expect(support.count == 8 && queries.count == 4)
        let before = try meanDice(Predictor(model), queries)
        let trained = try Trainer(model: model, examples: support, settings: AdaptationSettings()).run()
        let after = try meanDice(Predictor(model, adjustment: trained.adapter.adjustment), queries)
        let (none, box) = (PromptKind.none, PromptKind.box)
        #expect(try #require(after[none]) >= #require(before[none]) + 0.20, "\(before) → \(after)")
        // Boxes worked before; learning to do without must not cost them.
        #expect(try #require(after[box]) >= #require(before[box]) - 0.03, "\(before) → \(after)")
    }
}
