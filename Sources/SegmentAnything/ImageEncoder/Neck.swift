import Tensor

/// Encoder tokens to the embedding's channels: a 1×1 and a 3×3 convolution without biases, each normed over channels.
struct Neck: Sendable {
    let reduce: ArrangedWeight  // [C, W]
    let reduceNorm: Norm
    let mix: ArrangedWeight  // [C, 9*C]
    let mixNorm: Norm

    init(_ parameters: Parameters) {
        reduce = parameters.arranged("0.weight", .patches)
        reduceNorm = Norm(parameters, "1", epsilon: Norm.encoderEpsilon)
        mix = parameters.arranged("2.weight", .patches)
        mixNorm = Norm(parameters, "3", epsilon: Norm.encoderEpsilon)
    }

    /// - Parameter x: `[B, g, g, W]`.
    /// - Returns: `[B, g, g, C]`.
    func callAsFunction(_ x: Value) -> Value {
        let reduced = reduceNorm(linear(x, weight: reduce.value, bias: nil))
        return mixNorm(convolution3x3(reduced, weight: mix.value))
    }
}
