import Tensor

/// An encoder block for inference whose linear layers are products of 8-bit codes; the twin of ``EncoderBlock``.
///
/// Norms, attention, residuals and low-rank updates are in floats.
struct QuantizedBlock: Sendable {
    private let isWindowed: Bool
    private let side: Int
    private let heads: Int
    private let attentionNorm, perceptronNorm: QuantizedLayers.Norm
    private let projections: [QuantizedLayers.Linear]  // q, k, v
    private let updates: [QuantizedLayers.Update?]  // of the same
    private let output, expand, contract: QuantizedLayers.Linear
    private let heightTable, widthTable: Value

    /// - Returns: Nil where the block must be computed in floats: it is under training, or an adapter brings weights of its
    ///   own in place of those quantised.
    init?(_ parameters: Parameters, index: Int, weights: QuantizedWeights.Block) {
        let adjustment = parameters.adjustment
        let update = adjustment.lowRank[index]
        guard update?.values.contains(where: \.requiresGradient) != true,
            !QuantizedWeights.replacedNames(block: index).contains(where: { adjustment.overrides[$0] != nil }),
            !adjustment.overrides.contains(where: { $0.key.hasPrefix(parameters.prefix) && $0.value.requiresGradient })
        else { return nil }

        let configuration = parameters.configuration
        isWindowed = !configuration.isGlobal(block: index)
        side = configuration.attentionSide(block: index)
        heads = configuration.heads
        func norm(_ name: String) -> QuantizedLayers.Norm {
            QuantizedLayers.Norm(
                weight: parameters(name + ".weight").tensor, bias: parameters(name + ".bias").tensor,
                epsilon: Norm.encoderEpsilon)
        }
        attentionNorm = norm("norm1")
        perceptronNorm = norm("norm2")
        let (fusedBias, width) = (parameters("attn.qkv.bias").tensor, configuration.width)
        projections = [weights.query, weights.key, weights.value].enumerated().map { third, matrix in
            .init(matrix, bias: fusedBias.rows(third * width..<(third + 1) * width))
        }
        updates =
            update.map { update in
                [
                    .init(down: update.qDown.tensor, up: update.qUp.tensor, scale: update.scale), nil,
                    .init(down: update.vDown.tensor, up: update.vUp.tensor, scale: update.scale),
                ]
            } ?? [nil, nil, nil]
        output = .init(weights.output, bias: parameters("attn.proj.bias").tensor)
        expand = .init(weights.expand, bias: parameters("mlp.lin1.bias").tensor)
        contract = .init(weights.contract, bias: parameters("mlp.lin2.bias").tensor)
        let table = Arrangement.table(length: 2 * side - 1)
        heightTable = parameters.arranged("attn.rel_pos_h", table).value
        widthTable = parameters.arranged("attn.rel_pos_w", table).value
    }

    /// - Parameter x: `[B, g, g, W]`.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let projected = QuantizedLayers.project(
            x, norm: attentionNorm, layers: projections, updates: updates
        ).map { Value($0) }
        let mixed = isWindowed ? withinWindows(projected) : overGrid(projected)
        return QuantizedLayers.finishBlock(
            x, mixed: mixed.tensor, output: output, norm: perceptronNorm, expand: expand, contract: contract)
    }

    private func withinWindows(_ projected: [Value]) -> Value {
        windowAttention(
            q: projected[0], k: projected[1], v: projected[2], keyPadding: Value(projections[1].bias),
            valuePadding: Value(projections[2].bias), relH: heightTable, relW: widthTable, heads: heads, window: side)
    }

    private func overGrid(_ projected: [Value]) -> Value {
        let shape = projected[0].shape
        let rows = projected.map { $0.reshaped([shape[0], shape[1] * shape[2], shape[3]]) }
        return relativePositionAttention(
            q: rows[0], k: rows[1], v: rows[2], relH: heightTable, relW: widthTable, heads: heads, height: side,
            width: side)
    }
}
