import Tensor
import TestSupport
import Testing

/// The fused layers of a block against the same layers one by one in floats: they differ by the rounding to 8 bits.
@Suite struct QuantizedLayersTests {
    private let norm = QuantizedLayers.Norm(
        weight: random([24], seed: 1), bias: random([24], seed: 2), epsilon: 1e-6)

    private func layer(_ out: Int, _ depth: Int, seed: UInt64) -> (
        floats: (Value, Value), codes: QuantizedLayers.Linear
    ) {
        let (weight, bias) = (random([out, depth], seed: seed), random([out], seed: seed + 100))
        return ((Value(weight), Value(bias)), .init(QuantizedMatrix(weight), bias: bias))
    }

    private func normed(_ x: Tensor) -> Value {
        layerNorm(Value(x), weight: Value(random([24], seed: 1)), bias: Value(random([24], seed: 2)), epsilon: 1e-6)
    }

    /// More rows than one slice has, and the low-rank update beside.
    @Test(arguments: Int8Row.all) func projectionsWithUpdates(_ level: Int8Row) {
        let x = random([203, 24], seed: 3)
        let (first, second) = (layer(40, 24, seed: 4), layer(24, 24, seed: 5))
        let (down, up) = (random([3, 24], seed: 6), random([24, 3], seed: 7))
        let found = QuantizedLayers.project(
            x, norm: norm, layers: [first.codes, second.codes],
            updates: [nil, .init(down: down, up: up, scale: 0.5)], kernels: level.kernels)
        let input = normed(x)
        let plain = linear(input, weight: first.floats.0, bias: first.floats.1)
        let low = linear(input, weight: Value(down), bias: nil)
        let updated = add(
            linear(input, weight: second.floats.0, bias: second.floats.1),
            linear(scale(low, by: 0.5), weight: Value(up), bias: nil))
        #expect(relativeError(found[0].elements, plain.tensor.elements) < 0.01)
        #expect(relativeError(found[1].elements, updated.tensor.elements) < 0.01)
    }

    @Test(arguments: Int8Row.all) func finishesTheBlock(_ level: Int8Row) {
        let (x, mixed) = (random([1, 10, 13, 24], seed: 10), random([1, 10, 13, 24], seed: 11))
        let (output, expand) = (layer(24, 24, seed: 12), layer(96, 24, seed: 13))
        let contract = layer(24, 96, seed: 14)
        let found = QuantizedLayers.finishBlock(
            x, mixed: mixed, output: output.codes, norm: norm, expand: expand.codes, contract: contract.codes,
            kernels: level.kernels)
        let attended = add(
            Value(x), linear(Value(mixed), weight: output.floats.0, bias: output.floats.1).reshaped(x.shape))
        let hidden = linear(
            normed(attended.tensor), weight: expand.floats.0, bias: expand.floats.1, activation: .gelu)
        let expected = add(attended, linear(hidden, weight: contract.floats.0, bias: contract.floats.1))
        #expect(relativeError(found.elements, expected.tensor.elements) < 0.02)
    }
}
