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
        let (batch, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        var y = norm(x, self[.norm1Weight], self[.norm1Bias])
        if let window {
            // Padding comes after the norm: a padding token is zero here, but not after the projection's bias, and it
            // takes part in attention.
            y = windowPartition(y, window: window)
            y = windowUnpartition(attention(y), window: window, height: height, width: width)
        } else {
            y = attention(y.reshaped([batch, height * width, channels])).reshaped(x.shape)
        }
        let attended = x + y
        let normed = norm(attended, self[.norm2Weight], self[.norm2Bias])
        let expanded = linear(normed, weight: self[.expandWeight], bias: self[.expandBias], activation: .gelu)
        return attended + linear(expanded, weight: self[.contractWeight], bias: self[.contractBias])
    }

    private func norm(_ x: Value, _ weight: Value, _ bias: Value) -> Value {
        layerNorm(x, weight: weight, bias: bias, epsilon: Norm.encoderEpsilon)
    }
}
