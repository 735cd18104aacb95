import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct DrawnPromptTests {
    private static let configuration = {
        var configuration = Configuration.tiny
        configuration.imageSize = 64
        configuration.drawnPrompts = true
        return configuration
    }()
    private let geometry = ImageGeometry(width: 53, height: 37, side: 64)

    /// Against what pretraining draws: scripts/reference/write_drawn_prompts.py.
    @Test(arguments: ["point", "points", "box", "line", "box-points", "mask-box", "mask-points"])
    func drawsWhatPretrainingDraws(_ kind: String) throws {
        let reference = try Reference("drawn-prompts")
        let drawn = DrawnPrompt.logits(
            try reference.prompt(kind), geometry: geometry, model: Self.configuration)
        #expect(relativeError(try #require(drawn), try reference.tensor("prompt.\(kind).logits")) < 1e-5)
    }

    @Test func nothingSaidIsNothingDrawn() {
        #expect(DrawnPrompt.logits(.none, geometry: geometry, model: Self.configuration) == nil)
    }

    /// The encoder embeds the drawing exactly as it would a client's mask of the same logits.
    @Test func theEncoderSeesTheDrawing() throws {
        let model = SegmentAnythingModel(configuration: Self.configuration, randomSeed: 3)
        var plain = Self.configuration
        plain.drawnPrompts = nil
        let prompt = Prompt(
            points: [.init(x: 20, y: 30, isForeground: true)], box: .init(x0: 4, y0: 5, x1: 30, y1: 33))
        let masked = Prompt(
            points: prompt.points, box: prompt.box,
            maskLogits: DrawnPrompt.logits(prompt, geometry: geometry, model: plain))
        let found = PromptEncoder(model)([prompt], geometry: geometry)
        let expected = PromptEncoder(SegmentAnythingModel(configuration: plain, randomSeed: 3))(
            [masked], geometry: geometry)
        #expect(relativeError(found.dense.tensor, expected.dense.tensor) < 1e-6)
        #expect(relativeError(found.sparse.tensor, expected.sparse.tensor) < 1e-6)
    }

    /// Official files have no such key; it survives the way into a file and back.
    @Test func theChoiceIsPartOfTheConfiguration() throws {
        #expect(try Configuration(json: Self.configuration.json) == Self.configuration)
        #expect(!Configuration.vitB.json.contains("drawn"))
    }
}
