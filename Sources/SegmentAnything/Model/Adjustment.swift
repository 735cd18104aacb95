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
    /// Whole tensors by their name in the state dict, in the shape they have there.
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

    /// The first block whose output may differ from the base model's: activations before it may be shared by all tasks.
    /// The depth when only the neck or what follows it changes.
    package func firstAdaptedBlock(in configuration: Configuration) -> Int {
        var first = lowRank.keys.min() ?? configuration.depth
        for name in overrides.keys where name.hasPrefix("image_encoder.") {
            let path = name.split(separator: ".")
            switch path[1] {
            case "blocks": first = min(first, path.count > 2 ? Int(path[2]) ?? 0 : 0)
            case "neck": break
            default: first = 0
            }
        }
        return first
    }

    /// Throws unless every change names a part of the model and has its shape and finite values: for loaded adapters.
    package func check(against configuration: Configuration) throws(ModelError) {
        for (block, update) in lowRank.sorted(by: { $0.key < $1.key }) {
            let names = ["q_down", "q_up", "v_down", "v_up"].map { "lora.\(block).\($0)" }
            guard (0..<configuration.depth).contains(block) else { throw .unexpectedTensor(names[0]) }
            let rank = update.qDown.shape.first ?? 0
            let shapes = [[rank, configuration.width], [configuration.width, rank]]
            for (index, value) in update.values.enumerated() {
                try Self.check(value.tensor, names[index], shapes[index % 2])
            }
        }
        if let token = singleMaskToken {
            try Self.check(token.tensor, "mask_decoder.mask_tokens.0", [1, configuration.embeddingChannels])
        }
        guard !overrides.isEmpty else { return }
        let known = Dictionary(uniqueKeysWithValues: configuration.parameterShapes.map { ($0.name, $0) })
        for (name, value) in overrides.sorted(by: { $0.key < $1.key }) {
            guard let parameter = known[name] else { throw .unexpectedTensor(name) }
            if !parameter.accepts(value.shape) {
                throw .shapeMismatch(tensor: name, expected: parameter.shape, found: value.shape)
            }
            if !value.tensor.isFinite { throw .nonFinite(tensor: name) }
        }
    }

    private static func check(_ tensor: Tensor, _ name: String, _ shape: [Int]) throws(ModelError) {
        guard tensor.shape == shape, tensor.count > 0 else {
            throw .shapeMismatch(tensor: name, expected: shape, found: tensor.shape)
        }
        guard tensor.isFinite else { throw .nonFinite(tensor: name) }
    }
}
