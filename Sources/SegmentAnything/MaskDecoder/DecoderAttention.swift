import Tensor

/// Multi-head attention whose inner width may be half the outer one.
struct DecoderAttention: Sendable {
    private let heads: Int
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear

    init(_ parameters: Parameters) {
        heads = parameters.configuration.decoderHeads
        query = Linear(parameters, "q_proj")
        key = Linear(parameters, "k_proj")
        value = Linear(parameters, "v_proj")
        output = Linear(parameters, "out_proj")
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
}
