import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct ImageEncoderTests {
    private let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 9)

    private func pixels(_ seed: Int) -> Tensor {
        Preprocessor(side: 32)(testImage(width: 32, height: 21, seed: seed)).pixels
    }

    @Test(arguments: 0...3) func prefixAndRestAreTheWhole(_ count: Int) {
        let encoder = ImageEncoder(model)
        let whole = encoder(Value(pixels(1))).tensor
        let prefix = (0..<count).reduce(encoder.embedPatches(Value(pixels(1)))) { encoder.advanced($0, through: $1) }
        #expect(prefix.shape == [1, 4, 4, 16])
        #expect(encoder.finish(prefix, from: count).tensor.elements == whole.elements)
    }

    @Test func imagesOfABatchDoNotMix() {
        let encoder = ImageEncoder(model)
        let (one, other) = (pixels(1), pixels(2))
        let batch = Tensor.stacked([one, other]).reshaped([2, 32, 32, 3])
        let both = encoder(Value(batch)).tensor
        #expect(relativeError(both.rows(0..<1), encoder(Value(one)).tensor) < 1e-6)
        #expect(relativeError(both.rows(1..<2), encoder(Value(other)).tensor) < 1e-6)
    }

    /// Nothing is recorded for the backward pass when nothing is trained.
    @Test func frozenModelRecordsNothing() {
        #expect(!ImageEncoder(model)(Value(pixels(1))).requiresGradient)
    }

    @Test func frozenBlocksBeforeTheFirstAdaptedOneRecordNothing() {
        let update = LowRankUpdate(
            qDown: .parameter(Tensor(filled: 0.1, shape: [1, 16])),
            qUp: .parameter(Tensor(filled: 0.1, shape: [16, 1])),
            vDown: .parameter(Tensor(filled: 0.1, shape: [1, 16])),
            vUp: .parameter(Tensor(filled: 0.1, shape: [16, 1])),
            scale: 1)
        let encoder = ImageEncoder(model, adjustment: Adjustment(lowRank: [1: update]))
        let first = encoder.advanced(encoder.embedPatches(Value(pixels(1))), through: 0)
        #expect(!first.requiresGradient)
        #expect(encoder.advanced(first, through: 1).requiresGradient)
    }

    /// Checkpointing trades time for memory and nothing else: the gradients are the same, for every weight of a block.
    @Test func checkpointedGradientsAreTheSame() {
        let names = model.parameterNames.filter {
            $0.hasPrefix("image_encoder.") && !$0.contains("rel_pos")
        }
        func gradient(_ checkpointing: Checkpointing) -> [Tensor] {
            let parameters = names.map { Value.parameter(model.parameter($0).tensor) }
            let adjustment = Adjustment(overrides: Dictionary(uniqueKeysWithValues: zip(names, parameters)))
            let encoder = ImageEncoder(model, adjustment: adjustment, checkpointing: checkpointing)
            let embedding = encoder(Value(pixels(1)))
            let seed = Tensor(
                shape: embedding.shape, (0..<embedding.tensor.count).map { Float($0 % 7) - 3 })
            return gradients(of: embedding, seed: seed, for: parameters)
        }
        let kept = gradient(Checkpointing(beyond: .max))
        // The second limit keeps the last block alone.
        for bytes in [0, 4 * 16 * 16 * 9] {
            for ((name, kept), recomputed) in zip(zip(names, kept), gradient(Checkpointing(beyond: bytes))) {
                #expect(relativeError(recomputed, kept) < 1e-6, "\(name), \(bytes) bytes kept")
                #expect(kept.elements.contains { $0 != 0 }, "\(name)")
            }
        }
    }

    @Test func theLastBlocksAreKeptFirst() {
        let one = 4096 * 768 * 11 * 4
        func checkpointed(_ checkpointing: Checkpointing, batch: Int = 1) -> [Int] {
            (0..<12).filter { checkpointing.applies(to: $0, of: .vitB, batch: batch) }
        }
        #expect(checkpointed(Checkpointing(beyond: 0)) == Array(0..<12))
        #expect(checkpointed(Checkpointing(beyond: .max)) == [])
        #expect(checkpointed(Checkpointing(beyond: 3 * one)) == Array(0..<9))
        #expect(checkpointed(Checkpointing(beyond: 3 * one - 1)) == Array(0..<10))
        #expect(checkpointed(Checkpointing(beyond: 3 * one), batch: 2) == Array(0..<11))
        #expect(checkpointed(.standard) == [])
        #expect(checkpointed(.standard, batch: 2) == Array(0..<6))
    }

    /// Derivatives of whole tensors against the slope of the encoder along a direction.
    @Test(
        arguments: [
            "patch_embed.proj.weight", "pos_embed", "blocks.0.attn.qkv.weight", "blocks.1.attn.qkv.bias",
            "blocks.1.mlp.lin2.weight", "blocks.2.norm1.weight", "blocks.0.attn.rel_pos_w", "neck.0.weight",
            "neck.2.weight",
        ]) func gradientMatchesFiniteDifferences(_ part: String)
    {
        let name = "image_encoder." + part
        let base = model.parameter(name).tensor
        let direction = Tensor(shape: base.shape, (0..<base.count).map { Float(($0 * 37) % 11) / 5 - 1 })
        func evaluate(_ weight: Value) -> Value {
            let embedding = ImageEncoder(model, adjustment: Adjustment(overrides: [name: weight]))(Value(pixels(1)))
            let weights = (0..<embedding.tensor.count).map { Float(($0 * 13) % 7) / 3 - 1 }
            return (embedding * Value(Tensor(shape: embedding.shape, weights))).sum()
        }
        func moved(by step: Float) -> Double {
            let elements = zip(base.elements, direction.elements).map { $0 + step * $1 }
            return Double(evaluate(Value(Tensor(shape: base.shape, elements))).tensor.elements[0])
        }
        let parameter = Value.parameter(base)
        let gradient = gradients(of: evaluate(parameter), for: [parameter])[0]
        let analytic = zip(gradient.elements, direction.elements).map { Double($0) * Double($1) }.reduce(0, +)
        let step: Float = 2e-3
        let numeric = (moved(by: step) - moved(by: -step)) / Double(2 * step)
        #expect(abs(analytic - numeric) < 0.01 * max(abs(numeric), 1), "\(analytic) against \(numeric)")
    }
}
