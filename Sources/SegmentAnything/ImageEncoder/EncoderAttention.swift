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

    /// - Parameter x: `[N, side*side, W]`: N windows, or N images for a global block.
    func callAsFunction(_ x: Value) -> Value {
        var q = project(x, third: 0)
        let k = project(x, third: 1)
        var v = project(x, third: 2)
        if let updateScale {
            q = q + update(x, down: self[.qDown], up: self[.qUp], by: updateScale)
            v = v + update(x, down: self[.vDown], up: self[.vUp], by: updateScale)
        }
        let mixed = relativePositionAttention(
            q: q, k: k, v: v, relH: self[.heightTable], relW: self[.widthTable], heads: heads, height: side,
            width: side)
        return linear(mixed, weight: self[.outputWeight], bias: self[.outputBias])
    }

    private func project(_ x: Value, third: Int) -> Value {
        linear(x, weight: rows(of: self[.qkvWeight], third: third), bias: rows(of: self[.qkvBias], third: third))
    }

    private func rows(of fused: Value, third: Int) -> Value {
        let width = fused.shape[0] / 3
        let range = third * width..<(third + 1) * width
        return fused.requiresGradient ? slice(fused, axis: 0, range) : Value(fused.tensor.rows(range))
    }

    private func update(_ x: Value, down: Value, up: Value, by factor: Float) -> Value {
        // Scaled between the factors, where there are only r channels.
        linear(scale(linear(x, weight: down, bias: nil), by: factor), weight: up, bias: nil)
    }
}
