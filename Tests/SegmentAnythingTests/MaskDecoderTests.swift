import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct MaskDecoderTests {
    private let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 11)
    private let geometry = ImageGeometry(width: 32, height: 32, side: 32)

    private func embedding(_ seed: Int) -> Tensor {
        ImageEncoder(model)(Value(Preprocessor(side: 32)(testImage(width: 32, height: 32, seed: seed)).pixels)).tensor
    }

    private func box(_ index: Int) -> Prompt {
        let start = Float(index)
        return Prompt(box: Prompt.Box(x0: start, y0: 2 * start, x1: start + 9, y1: 2 * start + 12))
    }

    private func decode(_ embedding: Tensor, _ prompts: [Prompt]) -> (logits: Tensor, iou: Tensor) {
        let encoded = PromptEncoder(model)(prompts, geometry: geometry)
        let (logits, iou) = MaskDecoder(model)(Value(embedding), encoded)
        return (logits.tensor, iou.tensor)
    }

    /// Sharing one embedding among prompts is only a short cut.
    @Test(arguments: ["boxes", "masks", "nothing"]) func promptsOfABatchDoNotMix(_ kind: String) {
        let side = model.configuration.logitsSide
        let prompts: [Prompt] = (0..<3).map { index in
            switch kind {
            case "boxes": box(index)
            case "masks": Prompt(maskLogits: Tensor(filled: Float(index) - 1, shape: [side, side]))
            default: .none
            }
        }
        let image = embedding(1)
        let both = decode(image, prompts)
        #expect(both.logits.shape == [3, 4, 16, 16])
        #expect(both.iou.shape == [3, 4])
        for (index, prompt) in prompts.enumerated() {
            let alone = decode(image, [prompt])
            #expect(relativeError(both.logits.rows(index..<index + 1), alone.logits) < 1e-5)
            #expect(relativeError(both.iou.rows(index..<index + 1), alone.iou) < 1e-5)
        }
    }

    @Test func eachPromptMayHaveItsOwnEmbedding() {
        let images = [embedding(1), embedding(2)]
        let together = decode(Tensor.stacked(images).reshaped([2, 4, 4, 16]), [box(0), box(1)])
        for index in 0..<2 {
            let alone = decode(images[index], [box(index)])
            #expect(relativeError(together.logits.rows(index..<index + 1), alone.logits) < 1e-5)
            #expect(relativeError(together.iou.rows(index..<index + 1), alone.iou) < 1e-5)
        }
    }

    /// Where nothing is recorded, attention between tokens and image takes a short cut; the graph's way is its twin. With
    /// few points it pays, with many it does not.
    @Test(arguments: [1, 2, 30]) func recordingChangesNothing(_ points: Int) {
        let prompts = (0..<2).map { offset in
            Prompt(points: (0..<points).map { Prompt.Point(x: Float($0 + offset), y: Float($0), isForeground: true) })
        }
        var configuration = Configuration.tiny
        configuration.embeddingChannels = 64
        let model = SegmentAnythingModel(configuration: configuration, randomSeed: 12)
        let pixels = Preprocessor(side: 32)(testImage(width: 32, height: 32, seed: 1)).pixels
        let image = ImageEncoder(model)(Value(pixels)).tensor
        let encoded = PromptEncoder(model)(prompts, geometry: geometry)
        let constant = MaskDecoder(model)(Value(image), encoded)
        let recorded = MaskDecoder(model)(.parameter(image), encoded)
        #expect(recorded.logits.requiresGradient && !constant.logits.requiresGradient)
        #expect(relativeError(constant.logits.tensor, recorded.logits.tensor) < 1e-5)
        #expect(relativeError(constant.iou.tensor, recorded.iou.tensor) < 1e-5)
    }

    /// The embedding's gradient through a batch of prompts that share it is the sum of theirs.
    @Test func sharedEmbeddingGathersTheGradientOfAllPrompts() {
        let prompts = [box(0), box(1), box(2)]
        func gradient(_ prompts: [Prompt]) -> [Float] {
            let parameter = Value.parameter(embedding(1))
            let encoded = PromptEncoder(model)(prompts, geometry: geometry)
            let (logits, iou) = MaskDecoder(model)(parameter, encoded)
            return gradients(of: (logits * logits).sum() + iou.sum(), for: [parameter])[0].elements
        }
        let together = gradient(prompts)
        let apart = prompts.map { gradient([$0]) }
        let sum = together.indices.map { index in apart.reduce(Float(0)) { $0 + $1[index] } }
        #expect(relativeError(together, sum) < 1e-4)
    }

    /// A decoder built once serves several backward passes: each graph arranges trained weights anew.
    @Test func trainedDecoderMayBeAskedTwice() {
        let name = "mask_decoder.output_upscaling.0.weight"
        let parameter = Value.parameter(model.parameter(name).tensor)
        let decoder = MaskDecoder(model, adjustment: Adjustment(overrides: [name: parameter]))
        let encoded = PromptEncoder(model)([box(0)], geometry: geometry)
        let found = (0..<2).map { _ in
            gradients(of: decoder(Value(embedding(1)), encoded).logits.sum(), for: [parameter])[0].elements
        }
        #expect(found[0] == found[1])
        #expect(found[0].contains { $0 != 0 })
    }
}
