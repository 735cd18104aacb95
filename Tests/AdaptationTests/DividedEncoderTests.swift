import Adaptation
import Basics
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// The encoder under training in parts, beside the same in one piece.
@Suite struct DividedEncoderTests {
    private static func random(_ shape: [Int], seed: UInt64) -> Tensor {
        var generator = SeededRandom(seed: seed)
        return Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() - 0.5 })
    }

    /// Bit for bit, there and back; what all blocks share is summed in another order.
    @Test(arguments: [(AdapterKind.lora, nil), (.lora, 1), (.loraDecoder, nil), (.pooled, nil), (.pooled, 1)])
    func isOneEncoder(_ kind: AdapterKind, _ lastBlocks: Int?) throws {
        let configuration = tinyModel.configuration
        let layout = AdapterLayout(kind: kind, rank: 2, lastBlocks: lastBlocks, model: tinyModel)
        let tensors = layout.entries.enumerated().map { Self.random($1.shape, seed: UInt64($0 + 1)) }
        let activations = Self.random([1, configuration.grid, configuration.grid, configuration.width], seed: 90)
        let seed = Self.random([1, configuration.grid, configuration.grid, configuration.embeddingChannels], seed: 91)
        func encoder(_ parameters: [Value]) -> ImageEncoder {
            ImageEncoder(tinyModel, adjustment: layout.adjustment(parameters, scale: 1))
        }
        let whole = tensors.map(Value.parameter)
        let output = encoder(whole).finish(Value(activations), from: layout.blocks.lowerBound)
        let factors = 4 * layout.blocks.count
        let expected = gradients(of: output, seed: seed, for: Array(whole[..<factors]))

        var asked = 0
        var divided = try DividedEncoder(
            tinyModel, layout: layout, tensors: tensors, scale: 1, activations: activations, isTrained: true,
            pause: { asked += 1 })
        #expect(asked == layout.blocks.count)
        #expect(divided.embedding.elements == output.tensor.elements)
        let found = try divided.backward(seed: seed, pause: { asked += 1 })
        #expect(asked == 2 * layout.blocks.count + 1)
        #expect(found.map(\.shape) == expected.map(\.shape))
        for (found, expected) in zip(found, expected) {
            if kind == .pooled {
                let largest = expected.elements.map(abs).max() ?? 0
                #expect(zip(found.elements, expected.elements).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
            } else {
                #expect(found.elements == expected.elements)
            }
        }
        #expect(found.contains { $0.elements.contains { $0 != 0 } })
    }

    @Test(arguments: [AdapterKind.lora, .pooled]) func stopsWhereItIsAsked(_ kind: AdapterKind) throws {
        let layout = AdapterLayout(kind: kind, rank: 2, lastBlocks: nil, model: tinyModel)
        let tensors = layout.start(model: tinyModel, seed: 1)
        let configuration = tinyModel.configuration
        let activations = Self.random([1, configuration.grid, configuration.grid, configuration.width], seed: 5)
        func stop() throws(AdaptationError) { throw .cancelled(step: 7) }
        #expect(throws: AdaptationError.cancelled(step: 7)) {
            try DividedEncoder(
                tinyModel, layout: layout, tensors: tensors, scale: 1, activations: activations, isTrained: true,
                pause: stop)
        }
        // Between any two blocks, on the way back too.
        for allowed in 0...layout.blocks.count {
            var divided = try DividedEncoder(
                tinyModel, layout: layout, tensors: tensors, scale: 1, activations: activations, isTrained: true,
                pause: {})
            var left = allowed
            func stopLater() throws(AdaptationError) {
                if left == 0 { throw .cancelled(step: 7) }
                left -= 1
            }
            #expect(throws: AdaptationError.cancelled(step: 7)) {
                try divided.backward(seed: divided.embedding, pause: stopLater)
            }
        }
    }
}
