import Tensor
import TestSupport
import Testing

/// The backward pass of every operation against central differences.
@Suite struct GradientTests {
    static let operations: [Differentiable] = [
        Differentiable("add", [2, 3, 4], [2, 3, 4]) { $0[0] + $0[1] },
        Differentiable("add, broadcast", [2, 3, 4], [4]) { $0[0] + $0[1] },
        Differentiable("add, broadcast on the left", [1, 3, 4], [2, 3, 4]) { $0[0] + $0[1] },
        Differentiable("add to itself", [5]) { $0[0] + $0[0] },
        Differentiable("subtract", [2, 5], [2, 5]) { $0[0] - $0[1] },
        Differentiable("subtract, broadcast", [3, 5], [1, 5]) { $0[0] - $0[1] },
        Differentiable("subtract, broadcast on the left", [5], [3, 5]) { $0[0] - $0[1] },
        Differentiable("multiply", [3, 7], [3, 7]) { $0[0] * $0[1] },
        Differentiable("multiply, broadcast", [3, 7], [7]) { $0[0] * $0[1] },
        Differentiable("multiply by itself", [6]) { $0[0] * $0[0] },
        Differentiable("scale", [7]) { scale($0[0], by: -1.5) },
        Differentiable("sum", [3, 5]) { $0[0].sum() },
        Differentiable("reshaped", [2, 6]) { $0[0].reshaped([3, 4]) },
        Differentiable("gelu", [5, 7]) { gelu(scale($0[0], by: 3)) },
        Differentiable("layer norm", [3, 9], [9], [9]) {
            layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5)
        },
        Differentiable("linear", [2, 3, 5], [7, 5], [7]) { linear($0[0], weight: $0[1], bias: $0[2]) },
        Differentiable("linear without bias", [4, 5], [3, 5]) { linear($0[0], weight: $0[1], bias: nil) },
        Differentiable("linear with gelu", [4, 5], [3, 5], [3]) {
            linear($0[0], weight: $0[1], bias: $0[2], activation: .gelu)
        },
        Differentiable("linear with a residual", [4, 5], [3, 5], [3], [4, 3]) {
            linear($0[0], weight: $0[1], bias: $0[2], residual: $0[3])
        },
        Differentiable("linear with gelu and a residual", [4, 5], [3, 5], [4, 3]) {
            linear($0[0], weight: $0[1], bias: nil, activation: .gelu, residual: $0[2])
        },
        Differentiable("linear of many rows", [41, 3], [2, 3], [2], [41, 2]) {
            linear($0[0], weight: $0[1], bias: $0[2], residual: $0[3])
        },
        Differentiable("perceptron", [5, 3], [5, 2]) { x in
            perceptron(
                x[0], expand: (Value(random([7, 3], seed: 11)), Value(random([7], seed: 12))),
                contract: (Value(random([2, 7], seed: 13)), Value(random([2], seed: 14))), residual: x[1])
        },
        Differentiable("perceptron of many rows", [3, 13, 3], [3, 13, 2]) { x in
            perceptron(
                x[0], expand: (Value(random([9, 3], seed: 11)), Value(random([9], seed: 12))),
                contract: (Value(random([2, 9], seed: 13)), Value(random([2], seed: 14))), residual: x[1])
        },
        Differentiable("perceptron under training", [4, 3], [5, 3], [5], [2, 5], [2], [4, 2]) { x in
            perceptron(x[0], expand: (x[1], x[2]), contract: (x[3], x[4]), residual: x[5])
        },
        Differentiable("low-rank linear", [2, 3, 5], [2, 5], [7, 2]) { x in
            lowRankLinear(
                x[0], weight: random([7, 5], seed: 11), bias: random([7], seed: 12), down: x[1], up: x[2], factor: 0.5)
        },
        Differentiable("low-rank linear of many rows", [39, 3], [1, 3], [4, 1]) { x in
            lowRankLinear(
                x[0], weight: random([4, 3], seed: 11), bias: random([4], seed: 12), down: x[1], up: x[2], factor: 1)
        },
        Differentiable("product with a transpose", [2, 3, 5], [2, 4, 5]) { matmulTransposed($0[0], $0[1]) },
        Differentiable("product with a transpose, one", [1, 3, 5], [1, 4, 5]) { matmulTransposed($0[0], $0[1]) },
        Differentiable("attention", [2, 3, 6], [2, 5, 6], [2, 5, 4]) {
            attention(q: $0[0], k: $0[1], v: $0[2], heads: 2)
        },
        Differentiable("attention to shared keys", [3, 2, 4], [1, 5, 4], [1, 5, 2]) {
            attention(q: $0[0], k: $0[1], v: $0[2], heads: 2)
        },
        Differentiable("attention with positions", [2, 6, 4], [2, 6, 4], [2, 6, 4], [3, 2], [5, 2]) {
            relativePositionAttention(
                q: $0[0], k: $0[1], v: $0[2], relH: $0[3], relW: $0[4], heads: 2, height: 2, width: 3)
        },
        // Two windows across, one and a half down, two heads: both kinds of missing tokens.
        Differentiable(
            "window attention", [2, 3, 4, 4], [2, 3, 4, 4], [2, 3, 4, 4], [4], [4], [3, 2], [3, 2]
        ) { x in
            windowAttention(
                q: x[0], k: x[1], v: x[2], keyPadding: x[3], valuePadding: x[4], relH: x[5], relW: x[6], heads: 2,
                window: 2)
        },
        Differentiable("window attention in one window", [1, 2, 3, 2], [2], [2], [7, 2], [7, 2]) { x in
            windowAttention(
                q: x[0], k: x[0], v: x[0], keyPadding: x[1], valuePadding: x[2], relH: x[3], relW: x[4], heads: 1,
                window: 4)
        },
        Differentiable("space to depth", [2, 4, 6, 3]) { spaceToDepth($0[0], block: 2) },
        Differentiable("depth to space", [1, 2, 3, 8]) { depthToSpace($0[0], block: 2) },
        Differentiable("convolution", [2, 4, 3, 2], [5, 18]) { convolution3x3($0[0], weight: $0[1]) },
        Differentiable("convolution of one pixel", [1, 1, 1, 3], [2, 27]) { convolution3x3($0[0], weight: $0[1]) },
        Differentiable("concatenate", [2, 1, 3], [2, 4, 3]) { concatenate($0, axis: 1) },
        Differentiable("concatenate the last axis", [2, 3], [2, 2]) { concatenate($0, axis: 1) },
        Differentiable("slice", [2, 5, 3]) { slice($0[0], axis: 1, 1..<4) },
        Differentiable("repeated", [1, 3, 2]) { repeated($0[0], times: 3) },
        Differentiable("checkpoint", [3, 4], [4, 4]) { inputs in
            checkpoint(inputs) { gelu(linear($0[0], weight: $0[1], bias: nil)) }
        },
        Differentiable("checkpoint in a checkpoint", [3, 4], [4, 4]) { inputs in
            checkpoint(inputs) { inner in
                let middle = checkpoint(inner) { gelu(linear($0[0], weight: $0[1], bias: nil)) }
                return middle * inner[0]
            }
        },
    ]

    @Test(arguments: operations) func gradientMatchesFiniteDifferences(_ operation: Differentiable) {
        let (analytic, numeric) = (operation.analyticGradients(), operation.numericGradients(step: 1e-2))
        for (index, (analytic, numeric)) in zip(analytic, numeric).enumerated() {
            #expect(analytic.shape == numeric.shape)
            let error = relativeError(analytic.elements, numeric.elements)
            #expect(error < 2e-3, "input \(index): error \(error)")
        }
    }

    /// Central differences straddle the kink at zero, so the inputs keep away from it.
    @Test func reluGradient() {
        let x = Value.parameter(Tensor(shape: [5], [-2, -0.5, 0, 0.5, 2]))
        let y = relu(x)
        #expect(y.tensor.elements == [0, 0, 0, 0.5, 2])
        #expect(gradients(of: (y * y).sum(), for: [x])[0].elements == [0, 0, 0, 1, 4])
        let weight = Value(Tensor(shape: [1, 1], [1]))
        let z = Value.parameter(Tensor(shape: [2, 1], [-1, 3]))
        let w = linear(z, weight: weight, bias: nil, activation: .relu)
        #expect(gradients(of: w.sum(), for: [z])[0].elements == [0, 1])
    }

    /// Large enough that queries are cut into parts, whose gradients of keys and values are joined; three tiles of keys.
    @Test func attentionGradientsAtSize() {
        let (tokens, channels) = (18 * 30, 8)
        let shapes = [[1, tokens, channels], [35, 4], [59, 4]]
        func make(_ tensors: [Value]) -> Value {
            relativePositionAttention(
                q: tensors[0], k: tensors[1], v: tensors[2], relH: tensors[3], relW: tensors[4], heads: 2, height: 18,
                width: 30)
        }
        let inputs =
            (1...3).map { random(shapes[0], seed: $0) } + [random(shapes[1], seed: 4), random(shapes[2], seed: 5)]
        let parameters = inputs.map(Value.parameter)
        let weights = Value(random(shapes[0], seed: 6))
        let found = gradients(of: (make(parameters) * weights).sum(), for: parameters)
        // Along one random direction of each input: the slope is the product of direction and gradient.
        for index in inputs.indices {
            let direction = random(inputs[index].shape, seed: UInt64(20 + index)).elements
            func value(_ step: Float) -> Double {
                var moved = inputs
                let elements = zip(inputs[index].elements, direction).map { $0 + step * $1 }
                moved[index] = Tensor(shape: inputs[index].shape, elements)
                return zip(make(moved.map(Value.init)).tensor.elements, weights.tensor.elements)
                    .reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            let numeric = (value(1e-2) - value(-1e-2)) / 2e-2
            let analytic = zip(found[index].elements, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(numeric - analytic) < 1e-2 * max(1, abs(numeric)), "input \(index): \(numeric), \(analytic)")
        }
    }

    @Test func convolutionGradientInSeveralPieces() {
        // 40 lines of 64 pixels of 33 channels: more patches than are gathered at once.
        let (x, weight) = (random([1, 40, 64, 33], seed: 1), random([2, 297], seed: 2))
        let parameters = [Value.parameter(x), Value.parameter(weight)]
        let up = random([1, 40, 64, 2], seed: 3)
        let found = gradients(of: convolution3x3(parameters[0], weight: parameters[1]), seed: up, for: parameters)
        // One weight: the sum over all pixels of gradient times the neighbour that it looks at.
        for (out, tap, channel) in [(0, 0, 0), (1, 4, 32), (0, 5, 7), (1, 8, 11)] {
            var expected = 0.0
            for y in 0..<40 {
                for x0 in 0..<64 {
                    let (ny, nx) = (y + tap / 3 - 1, x0 + tap % 3 - 1)
                    guard ny >= 0, ny < 40, nx >= 0, nx < 64 else { continue }
                    expected += Double(up[0, y, x0, out]) * Double(x[0, ny, nx, channel])
                }
            }
            #expect(abs(Double(found[1][out, tap * 33 + channel]) - expected) < 1e-3)
        }
    }
}
