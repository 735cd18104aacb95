import Tensor

/// Multi-head attention whose inner width may be half the outer one.
struct DecoderAttention: Sendable {
    private let heads: Int
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    /// nil while a weight is under training.
    private let absorbed: AbsorbedAttention?

    init(_ parameters: Parameters) {
        heads = parameters.configuration.decoderHeads
        query = Linear(parameters, "q_proj")
        key = Linear(parameters, "k_proj")
        value = Linear(parameters, "v_proj")
        output = Linear(parameters, "out_proj")
        let layers = [query, key, value, output]
        let isConstant = !layers.contains { $0.weight.requiresGradient || $0.bias.requiresGradient }
        let projections = layers.map { AbsorbedAttention.Projection(weight: $0.weight.tensor, bias: $0.bias.tensor) }
        absorbed =
            isConstant
            ? AbsorbedAttention(
                heads: heads, query: projections[0], key: projections[1], value: projections[2],
                output: projections[3]) : nil
    }

    /// - Parameters:
    ///   - q: `[B, Tq, C]`, or `[1, Tq, C]` when all prompts ask the same.
    ///   - k: `[B, Tk, C]`, or `[1, Tk, C]` when all prompts ask of the same image.
    ///   - v: As `k`.
    func callAsFunction(q: Value, k: Value, v: Value) -> Value {
        var projected = query(q)
        if projected.shape[0] < k.shape[0] { projected = repeated(projected, times: k.shape[0]) }
        let shape = projected.shape
        // Queries do not see each other, so those that ask of the same image may stand in one row.
        if shape[0] > k.shape[0] { projected = projected.reshaped([1, shape[0] * shape[1], shape[2]]) }
        let mixed = attention(q: projected, k: key(k), v: value(v), heads: heads)
        return output(mixed.reshaped(shape))
    }

    /// Tokens ask of the image: `q` `[B, t, C]`, `k` and `v` `[B, T, C]` or `[1, T, C]`.
    func tokensToImage(q: Value, k: Value, v: Value) -> Value {
        guard let absorbed = absorbed(tokens: q, [q, k, v]) else { return self(q: q, k: k, v: v) }
        return eachPrompt(of: [q, k, v]) { absorbed.ofFew(q: $0[0], k: $0[1], v: $0[2]) }
    }

    /// The image asks of tokens: `q` and `residual` `[B, T, C]` or `[1, T, C]`, `k` and `v` `[B, t, C]`.
    ///
    /// - Parameter residual: Added to the result.
    func imageToTokens(q: Value, k: Value, v: Value, residual: Value) -> Value {
        guard let absorbed = absorbed(tokens: k, [q, k, v, residual]) else { return self(q: q, k: k, v: v) + residual }
        return eachPrompt(of: [q, k, v, residual]) {
            absorbed.ofMany(q: $0[0], k: $0[1], v: $0[2], residual: $0[3])
        }
    }

    /// The short cut where nothing is recorded and it is one.
    private func absorbed(tokens: Value, _ inputs: [Value]) -> AbsorbedAttention? {
        guard let absorbed, absorbed.pays(tokens: tokens.shape[1]) else { return nil }
        return inputs.contains(where: \.requiresGradient) ? nil : absorbed
    }

    private func eachPrompt(of inputs: [Value], _ body: ([Tensor]) -> Tensor) -> Value {
        let batch = inputs.map { $0.shape[0] }.max() ?? 1
        let results = (0..<batch).map { index in
            Value(body(inputs.map { $0.shape[0] == 1 ? $0.tensor : $0.tensor.rows(index..<index + 1) }))
        }
        return batch == 1 ? results[0] : concatenate(results, axis: 0)
    }
}
