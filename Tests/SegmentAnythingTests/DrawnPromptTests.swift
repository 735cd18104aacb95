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
        // Of the size of the input, so that it is placed alike in both.
        let geometry = ImageGeometry(width: 64, height: 64, side: 64)
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

    /// Every mask of a prompt with a box is what the network says plus a share of the drawing; other prompts are as they were.
    @Test func aBoxAddsItsShapeToEveryMask() throws {
        var trusting = Self.configuration
        trusting.boxPrior = 0.25
        let plain = SegmentAnythingModel(configuration: Self.configuration, randomSeed: 3)
        let trusted = SegmentAnythingModel(configuration: trusting, randomSeed: 3)
        let embedding = Value(
            Tensor(
                filled: 0.1,
                shape: [1, plain.configuration.grid, plain.configuration.grid, plain.configuration.embeddingChannels]))
        let boxes = [
            Prompt(box: .init(x0: 4, y0: 5, x1: 30, y1: 33)), Prompt(box: .init(x0: 20, y0: 2, x1: 40, y1: 12)),
        ]
        func logits(_ model: SegmentAnythingModel, _ prompts: [Prompt]) -> Tensor {
            MaskDecoder(model)(embedding, PromptEncoder(model)(prompts, geometry: geometry)).logits.tensor
        }
        let (without, with) = (logits(plain, boxes), logits(trusted, boxes))
        let (masks, side) = (without.shape[1], without.shape[2])
        for (index, box) in boxes.enumerated() {
            let drawn = try #require(DrawnPrompt.logits(box, geometry: geometry, model: trusting)).elements
            for mask in 0..<masks {
                let first = (index * masks + mask) * side * side
                for cell in 0..<side * side {
                    #expect(
                        abs(with.elements[first + cell] - without.elements[first + cell] - 0.25 * drawn[cell]) < 1e-4)
                }
            }
        }
        let map = Tensor(filled: 1, shape: [side, side])
        let others: [Prompt] = [
            Prompt(points: [.init(x: 20, y: 30, isForeground: true)]), .none,
            Prompt(box: boxes[0].box, maskLogits: map),
        ]
        for prompt in others { #expect(logits(plain, [prompt]).elements == logits(trusted, [prompt]).elements) }
    }
}
