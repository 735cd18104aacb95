import Tensor

/// One transformer block of the image encoder: attention within windows or over the grid, then an MLP, each around a
/// residual connection.
struct EncoderBlock: Sendable {
    /// nil for a global block.
    let window: Int?
    private var attention: EncoderAttention
    private var others: [Value]

    private enum Slot: Int {
        case norm1Weight, norm1Bias, norm2Weight, norm2Bias, expandWeight, expandBias, contractWeight, contractBias
    }

    init(_ parameters: Parameters, index: Int) {
        let configuration = parameters.configuration
        window = configuration.isGlobal(block: index) ? nil : configuration.window
        attention = EncoderAttention(
            parameters.scoped("attn"), side: configuration.attentionSide(block: index),
            update: parameters.adjustment.lowRank[index])
        others = ["norm1", "norm2", "mlp.lin1", "mlp.lin2"].flatMap { name in
            [parameters(name + ".weight"), parameters(name + ".bias")]
        }
    }

    private subscript(_ slot: Slot) -> Value { others[slot.rawValue] }

    /// - Parameters:
    ///   - x: `[B, g, g, W]`.
    ///   - checkpointing: Keep only input and output for the backward pass, and compute what lies between again then.
    ///     Without effect where no gradient is needed.
    func callAsFunction(_ x: Value, checkpointing: Bool) -> Value {
        let weights = values
        let trained = weights.indices.filter { weights[$0].requiresGradient }
        guard checkpointing, x.requiresGradient || !trained.isEmpty else { return forward(x) }
        // Frozen weights stay captured; only what may have a gradient is an input of the checkpoint.
        return checkpoint([x] + trained.map { weights[$0] }) { inputs in
            var block = self
            var replaced = weights
            for (slot, value) in zip(trained, inputs.dropFirst()) { replaced[slot] = value }
            block.values = replaced
            return block.forward(inputs[0])
        }
    }

    private var values: [Value] {
        get { others + attention.values }
        set {
            attention.values = Array(newValue[others.count...])
            others = Array(newValue[..<others.count])
        }
    }

    private func forward(_ x: Value) -> Value {
        let normed = norm(x, self[.norm1Weight], self[.norm1Bias])
        let attended = attention(normed, isWindowed: window != nil, residual: x)
        return perceptron(
            norm(attended, self[.norm2Weight], self[.norm2Bias]),
            expand: (self[.expandWeight], self[.expandBias]), contract: (self[.contractWeight], self[.contractBias]),
            residual: attended)
    }

    private func norm(_ x: Value, _ weight: Value, _ bias: Value) -> Value {
        layerNorm(x, weight: weight, bias: bias, epsilon: Norm.encoderEpsilon)
    }
}
