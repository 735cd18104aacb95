import Tensor

/// Multi-head attention with decomposed relative positions (Li et al. 2022, MViTv2), and a low-rank update if adapted.
///
/// The fused projection `attn.qkv` is applied as three: its row thirds are views, so nothing is copied, and the
/// low-rank updates reach q and v alone.
struct EncoderAttention: Sendable {
    let heads: Int
    let side: Int
    private var slots: [Value]
    private let updateScale: Float?

    /// Where each weight stands in `slots`; the four factors of the update follow if there is one.
    private enum Slot: Int {
        case qkvWeight, qkvBias, outputWeight, outputBias, heightTable, widthTable
        case qDown, qUp, vDown, vUp
    }

    init(_ parameters: Parameters, side: Int, update: LowRankUpdate?) {
        heads = parameters.configuration.heads
        self.side = side
        let table = Arrangement.table(length: 2 * side - 1)
        slots =
            ["qkv.weight", "qkv.bias", "proj.weight", "proj.bias"].map { parameters($0) }
            + ["rel_pos_h", "rel_pos_w"].map { parameters.arranged($0, table).value } + (update?.values ?? [])
        updateScale = update?.scale
    }

    /// The weights, in an order that assigning keeps.
    var values: [Value] {
        get { slots }
        set {
            precondition(newValue.count == slots.count, "attention has \(slots.count) weights")
            slots = newValue
        }
    }

    private subscript(_ slot: Slot) -> Value { slots[slot.rawValue] }

    /// - Parameters:
    ///   - x: `[B, g, g, W]`.
    ///   - isWindowed: Whether tokens attend within windows of `side` tokens a side; if not, over the whole grid.
    ///   - residual: As `x`; added to the result.
    func callAsFunction(_ x: Value, isWindowed: Bool, residual: Value) -> Value {
        let q = project(x, third: 0, factors: (.qDown, .qUp))
        let k = project(x, third: 1)
        let v = project(x, third: 2, factors: (.vDown, .vUp))
        let mixed = isWindowed ? withinWindows(q, k, v) : overGrid(q, k, v)
        return linear(mixed, weight: self[.outputWeight], bias: self[.outputBias], residual: residual)
    }

    /// Padding comes after the norm: a padding token is zero before the projection and its bias after it, and it takes
    /// part in attention.
    private func withinWindows(_ q: Value, _ k: Value, _ v: Value) -> Value {
        windowAttention(
            q: q, k: k, v: v, keyPadding: rows(of: self[.qkvBias], third: 1),
            valuePadding: rows(of: self[.qkvBias], third: 2), relH: self[.heightTable], relW: self[.widthTable],
            heads: heads, window: side)
    }

    private func overGrid(_ q: Value, _ k: Value, _ v: Value) -> Value {
        let shape = q.shape
        let tokens = [shape[0], shape[1] * shape[2], shape[3]]
        let mixed = relativePositionAttention(
            q: q.reshaped(tokens), k: k.reshaped(tokens), v: v.reshaped(tokens), relH: self[.heightTable],
            relW: self[.widthTable], heads: heads, height: side, width: side)
        return mixed.reshaped(shape)
    }

    /// - Parameter factors: Of the update that this third may have.
    private func project(_ x: Value, third: Int, factors: (down: Slot, up: Slot)? = nil) -> Value {
        let (weight, bias) = (rows(of: self[.qkvWeight], third: third), rows(of: self[.qkvBias], third: third))
        guard let updateScale, let factors else { return linear(x, weight: weight, bias: bias) }
        let (down, up) = (self[factors.down], self[factors.up])
        let isTrained = down.requiresGradient || up.requiresGradient
        if isTrained, !weight.requiresGradient, !bias.requiresGradient {
            return lowRankLinear(
                x, weight: weight.tensor, bias: bias.tensor, down: down, up: up, factor: updateScale)
        }
        // Scaled between the factors, where there are only r channels.
        let reduced = scale(linear(x, weight: down, bias: nil), by: updateScale)
        return linear(reduced, weight: up, bias: nil, residual: linear(x, weight: weight, bias: bias))
    }

    private func rows(of fused: Value, third: Int) -> Value {
        let width = fused.shape[0] / 3
        let range = third * width..<(third + 1) * width
        return fused.requiresGradient ? slice(fused, axis: 0, range) : Value(fused.tensor.rows(range))
    }
}
