import SegmentAnything
import Tensor
import TestSupport
import Testing

/// The encoder with 8-bit linear layers beside the one in floats.
@Suite struct QuantizedEncoderTests {
    private let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 9)
    private var precision: EncoderPrecision { .int8(QuantizedWeights(model)) }

    private func pixels(_ seed: Int) -> Tensor {
        Preprocessor(side: 32)(testImage(width: 32, height: 21, seed: seed)).pixels
    }

    private func update(_ value: (Tensor) -> Value, block: Int) -> LowRankUpdate {
        func factor(_ shape: [Int], _ phase: Int) -> Value {
            value(Tensor(shape: shape, (0..<shape[0] * shape[1]).map { Float(($0 * 7 + phase) % 11 - 5) * 0.05 }))
        }
        return LowRankUpdate(
            qDown: factor([2, 16], block), qUp: factor([16, 2], 1), vDown: factor([2, 16], 2), vUp: factor([16, 2], 3),
            scale: 0.5)
    }

    /// Measured: 0.011 to 0.014 over these seeds; a wrong scale, a missed zero point or a shifted row gives far more.
    @Test(arguments: 1...4) func embeddingsAreClose(_ seed: Int) {
        let input = Value(pixels(seed))
        let exact = ImageEncoder(model)(input).tensor
        let found = ImageEncoder(model, precision: precision)(input).tensor
        let error = relativeError(found.elements, exact.elements)
        print("seed \(seed): error \(error) with 8-bit weights")
        #expect(error > 0 && error < 0.03)
    }

    @Test func adaptersStayInFloatsBesideTheCodes() {
        let adjustment = Adjustment(lowRank: [0: update({ Value($0) }, block: 0), 2: update({ Value($0) }, block: 2)])
        let input = Value(pixels(1))
        let base = ImageEncoder(model)(input).tensor
        let exact = ImageEncoder(model, adjustment: adjustment)(input).tensor
        let found = ImageEncoder(model, adjustment: adjustment, precision: precision)(input).tensor
        let change = relativeError(base.elements, exact.elements)
        let error = relativeError(found.elements, exact.elements)
        print("the adapter changes the embedding by \(change), 8-bit weights by \(error)")
        #expect(error < 0.03)
        #expect(change > 2 * error)
    }

    /// A block with weights of its own, or under training, is computed in floats; so nothing is left of the codes when all are.
    @Test func blocksThatAreNotTheModelsAreExact() {
        let names = model.parameterNames.filter { $0.contains("blocks.") && $0.hasSuffix("lin1.weight") }
        let overrides = Dictionary(uniqueKeysWithValues: names.map { ($0, model.parameter($0)) })
        let input = Value(pixels(2))
        let exact = ImageEncoder(model)(input).tensor
        let replaced = ImageEncoder(model, adjustment: Adjustment(overrides: overrides), precision: precision)(input)
        #expect(replaced.tensor.elements == exact.elements)

        let trained = Adjustment(lowRank: [1: update({ .parameter($0) }, block: 1)])
        let output = ImageEncoder(model, adjustment: trained, precision: precision)(input)
        #expect(output.requiresGradient)
    }

    @Test func imagesOfABatchDoNotMix() {
        let encoder = ImageEncoder(model, precision: precision)
        let both = encoder(Value(Tensor.stacked([pixels(1), pixels(2)]).reshaped([2, 32, 32, 3]))).tensor
        #expect(relativeError(both.rows(0..<1), encoder(Value(pixels(1))).tensor) < 1e-5)
        #expect(relativeError(both.rows(1..<2), encoder(Value(pixels(2))).tensor) < 1e-5)
    }
}
