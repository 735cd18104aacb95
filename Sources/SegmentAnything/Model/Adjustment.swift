package import Tensor

/// Low-rank updates of one block's query and value projections (Hu et al. 2021; the paper's §3.1):
/// `q = W_q x + scale · qUp (qDown x)`, and the same for v. Applied unmerged, so that the base weights stay shared.
package struct LowRankUpdate: Sendable {
    /// `[r, W]`, the paper's A.
    package var qDown: Value
    /// `[W, r]`, the paper's B.
    package var qUp: Value
    package var vDown: Value
    package var vUp: Value
    /// α / r.
    package var scale: Float

    package init(qDown: Value, qUp: Value, vDown: Value, vUp: Value, scale: Float) {
        self.qDown = qDown
        self.qUp = qUp
        self.vDown = vDown
        self.vUp = vUp
        self.scale = scale
    }

    /// The four factors in the order of the initialiser.
    package var values: [Value] { [qDown, qUp, vDown, vUp] }
}

/// What an adapter changes in a frozen model: given beside the model, never written into it.
///
/// Its values are constants when an adapter is served and parameters of the graph while it is trained.
package struct Adjustment: Sendable {
    /// By encoder block.
    package var lowRank: [Int: LowRankUpdate]
    /// Whole tensors by their name in the state dict, in the shape they have there. The matrix of the position encoding is none of
    /// them: it is always the model's.
    package var overrides: [String: Value]
    /// `[1, C]`, in place of the output token of the single mask (row 0 of `mask_decoder.mask_tokens.weight`): which of
    /// several kinds of objects that mask is to show. Nil leaves the token as it is.
    package var singleMaskToken: Value?

    package init(
        lowRank: [Int: LowRankUpdate] = [:], overrides: [String: Value] = [:], singleMaskToken: Value? = nil
    ) {
        self.lowRank = lowRank
        self.overrides = overrides
        self.singleMaskToken = singleMaskToken
    }

    /// The base model as it is.
    package static let none = Adjustment()
}

extension Adjustment {
    /// Whether nothing is changed.
    package var isEmpty: Bool { lowRank.isEmpty && overrides.isEmpty && singleMaskToken == nil }

    /// Whether image embeddings differ from the base model's; if not, they may be shared with it.
    package var adaptsEncoder: Bool {
        !lowRank.isEmpty || overrides.keys.contains { $0.hasPrefix("image_encoder.") }
    }
}
