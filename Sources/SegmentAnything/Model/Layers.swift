import Tensor

// B batch, T tokens, C channels. Activations are channels last.

/// `x Wᵀ + b` over the last axis.
struct Linear: Sendable {
    let weight: Value  // [out, in]
    let bias: Value  // [out]

    init(_ parameters: Parameters, _ name: String) {
        weight = parameters(name + ".weight")
        bias = parameters(name + ".bias")
    }

    func callAsFunction(_ x: Value, activation: Activation = .none) -> Value {
        linear(x, weight: weight, bias: bias, activation: activation)
    }
}

/// Layer norm over the last axis; with channels last it is also the reference's `LayerNorm2d`.
struct Norm: Sendable {
    /// Of the image encoder and of every `LayerNorm2d`, also those in the prompt encoder and the decoder's upscaling.
    static let encoderEpsilon: Float = 1e-6
    /// Of the decoder's transformer: PyTorch's default.
    static let decoderEpsilon: Float = 1e-5

    let weight: Value
    let bias: Value
    let epsilon: Float

    init(_ parameters: Parameters, _ name: String, epsilon: Float) {
        weight = parameters(name + ".weight")
        bias = parameters(name + ".bias")
        self.epsilon = epsilon
    }

    func callAsFunction(_ x: Value) -> Value { layerNorm(x, weight: weight, bias: bias, epsilon: epsilon) }
}

/// Linear layers with ReLU between them: the reference's `MLP` of hypernetworks and IoU head.
struct Perceptron: Sendable {
    let layers: [Linear]

    init(_ parameters: Parameters, depth: Int) {
        layers = (0..<depth).map { Linear(parameters, "layers.\($0)") }
    }

    func callAsFunction(_ x: Value) -> Value {
        var x = x
        for (index, layer) in layers.enumerated() {
            x = layer(x, activation: index < layers.count - 1 ? .relu : .none)
        }
        return x
    }
}
