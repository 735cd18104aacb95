import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct AdjustmentTests {
    private let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 7)
    private let image = testImage(width: 25, height: 18)

    private func random(_ shape: [Int], _ generator: inout SeededRandom) -> Tensor {
        Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() - 0.5 })
    }

    private func update(rank: Int, seed: UInt64, upIsZero: Bool = false) -> LowRankUpdate {
        var generator = SeededRandom(seed: seed)
        let width = model.configuration.width
        let factors = [[rank, width], [width, rank], [rank, width], [width, rank]].enumerated().map { index, shape in
            Value(upIsZero && index % 2 == 1 ? Tensor(zeros: shape) : random(shape, &generator))
        }
        return LowRankUpdate(qDown: factors[0], qUp: factors[1], vDown: factors[2], vUp: factors[3], scale: 0.75)
    }

    /// B starts at zero, so an adapter that has learnt nothing changes nothing, bit for bit.
    @Test func zeroUpdateIsTheBaseModel() {
        let zero = Adjustment(lowRank: [
            0: update(rank: 4, seed: 1, upIsZero: true), 2: update(rank: 1, seed: 2, upIsZero: true),
        ])
        let base = Predictor(model).embed(image)
        #expect(Predictor(model, adjustment: zero).embed(image).tensor.elements == base.tensor.elements)
    }

    /// Unmerged updates are what adding scale·B·A to the q and v rows of the fused weights gives; k stays.
    @Test(arguments: [[0], [1], [0, 1, 2]]) func unmergedUpdateEqualsMergedWeights(_ blocks: [Int]) {
        let width = model.configuration.width
        var (unmerged, merged) = (Adjustment.none, Adjustment.none)
        for block in blocks {
            let update = update(rank: 3, seed: UInt64(block) + 10)
            unmerged.lowRank[block] = update
            let name = "image_encoder.blocks.\(block).attn.qkv.weight"
            var weight = model.parameter(name).tensor.elements
            for (third, down, up) in [(0, update.qDown, update.qUp), (2, update.vDown, update.vUp)] {
                for row in 0..<width {
                    for column in 0..<width {
                        for rank in 0..<3 {
                            let change = 0.75 * up.tensor[row, rank] * down.tensor[rank, column]
                            weight[(third * width + row) * width + column] += change
                        }
                    }
                }
            }
            merged.overrides[name] = Value(Tensor(shape: [3 * width, width], weight))
        }
        let found = Predictor(model, adjustment: unmerged).embed(image).tensor
        let expected = Predictor(model, adjustment: merged).embed(image).tensor
        #expect(relativeError(found, expected) < 1e-5)
        #expect(relativeError(found, Predictor(model).embed(image).tensor) > 1e-3)
    }

    /// A model whose every weight is overridden by another's is that other model: no weight is read past the overrides, but for
    /// the matrix of the position encoding, which both have in common.
    @Test func overridesReachEveryWeight() throws {
        let drawn = SegmentAnythingModel(configuration: .tiny, randomSeed: 8)
        let tensors = drawn.parameterNames.map { name in
            (name: name, tensor: (name.contains("pe_layer") ? model : drawn).parameter(name).tensor)
        }
        let folder = try TemporaryDirectory()
        let path = folder.file("other.safetensors")
        try Safetensors.write(
            tensors, metadata: [Configuration.metadataKey: Configuration.tiny.json], to: path, as: .float32)
        let other = try SegmentAnythingModel(path: path)
        var adjustment = Adjustment.none
        for name in other.parameterNames { adjustment.overrides[name] = other.parameter(name) }
        let (dressed, plain) = (Predictor(model, adjustment: adjustment), Predictor(other))
        let side = model.configuration.logitsSide
        let prompts = [
            Prompt(points: [Prompt.Point(x: 3, y: 4, isForeground: true)]), .none,
            Prompt(box: Prompt.Box(x0: 1, y0: 2, x1: 9, y1: 12), maskLogits: Tensor(filled: 1, shape: [side, side])),
        ]
        let (found, expected) = (dressed.embed(image), plain.embed(image))
        #expect(found.tensor.elements == expected.tensor.elements)
        for multimask in [false, true] {
            let masks = try dressed.predict(found, prompts, multimask: multimask)
            let wanted = try plain.predict(expected, prompts, multimask: multimask)
            // Of several, an adjusted model's single mask comes first: it alone was trained.
            for (masks, wanted) in zip(masks.map { $0.drop { multimask && $0.index == 0 } }, wanted) {
                #expect(masks.count == wanted.count)
                for (mask, want) in zip(masks, wanted) {
                    #expect(mask.lowResolutionLogits.elements == want.lowResolutionLogits.elements)
                    #expect(mask.predictedIoU == want.predictedIoU)
                }
            }
        }
    }

    /// What was trained for a task is not to stand behind what was not.
    @Test func theSingleMaskOfAnAdjustedModelIsItsFirstCandidate() throws {
        let other = SegmentAnythingModel(configuration: .tiny, randomSeed: 8)
        var adjustment = Adjustment.none
        for name in other.parameterNames { adjustment.overrides[name] = other.parameter(name) }
        let prompts = [Prompt(points: [Prompt.Point(x: 3, y: 4, isForeground: true)])]
        let (dressed, plain) = (Predictor(model, adjustment: adjustment), Predictor(other))
        let several = try dressed.predict(dressed.embed(image), prompts, multimask: true)[0]
        #expect(several.map(\.index).sorted() == [0, 1, 2, 3] && several[0].index == 0)
        #expect(try plain.predict(plain.embed(image), prompts, multimask: true)[0].map(\.index).sorted() == [1, 2, 3])
    }

    @Test(
        arguments: [
            "image_encoder.patch_embed.proj.bias", "image_encoder.blocks.2.attn.proj.bias", "image_encoder.neck.1.bias",
            "mask_decoder.iou_token.weight",
        ]) func whatAdaptsTheEncoder(_ name: String)
    {
        let adjustment = Adjustment(overrides: [name: model.parameter(name)])
        #expect(adjustment.adaptsEncoder == name.hasPrefix("image_encoder."))
    }

    @Test func lowRankUpdatesAdaptTheEncoder() {
        #expect(Adjustment(lowRank: [1: update(rank: 2, seed: 1)]).adaptsEncoder)
        #expect(!Adjustment.none.adaptsEncoder)
    }
}
