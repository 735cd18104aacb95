package import Tensor

/// Masks from an image embedding and prompts (Kirillov et al. 2023, appendix A).
///
/// B prompts, n prompt tokens, g tokens a side, C channels, M masks: the single one first, then the multimask ones.
package struct MaskDecoder: Sendable {
    private let transformer: TwoWayTransformer
    private let upscaling: MaskUpscaling
    private let hypernetworks: [Perceptron]
    private let iouHead: Perceptron
    private let iouToken: Value  // [1, C]
    private let maskTokens: Value  // [M, C]
    private let places: Value  // [g*g, C]

    package init(_ model: SegmentAnythingModel, adjustment: Adjustment = .none) {
        let parameters = Parameters(model, adjustment, prefix: "mask_decoder.")
        let configuration = model.configuration
        transformer = TwoWayTransformer(parameters.scoped("transformer"))
        upscaling = MaskUpscaling(parameters.scoped("output_upscaling"))
        hypernetworks = (0..<configuration.maskCount).map { mask in
            Perceptron(parameters.scoped("output_hypernetworks_mlps.\(mask)"), depth: 3)
        }
        iouHead = Perceptron(parameters.scoped("iou_prediction_head"), depth: configuration.iouHeadDepth)
        iouToken = parameters("iou_token.weight")
        let tokens = parameters("mask_tokens.weight")
        maskTokens =
            if let single = adjustment.singleMaskToken {
                concatenate([single, slice(tokens, axis: 0, 1..<tokens.shape[0])], axis: 0)
            } else {
                tokens
            }
        let grid = configuration.grid
        places = Value(model.gridEncoding.reshaped([grid * grid, configuration.embeddingChannels]))
    }

    /// - Parameters:
    ///   - embedding: `[1, g, g, C]`, shared by all prompts, or `[B, g, g, C]`.
    ///   - prompts: B of them.
    /// - Returns: `logits` `[B, M, 4g, 4g]`, a mask where positive; `iou` `[B, M]`, the predicted quality.
    package func callAsFunction(_ embedding: Value, _ prompts: EncodedPrompts) -> (logits: Value, iou: Value) {
        let batch = prompts.sparse.shape[0]
        precondition(embedding.shape[0] == 1 || embedding.shape[0] == batch, "\(embedding.shape) for \(batch) prompts")
        let (positions, channels) = (places.shape[0], places.shape[1])
        let maskCount = hypernetworks.count

        let outputs = concatenate([iouToken, maskTokens], axis: 0).reshaped([1, 1 + maskCount, channels])
        var tokens = batch == 1 ? outputs : repeated(outputs, times: batch)
        if prompts.sparse.shape[1] > 0 { tokens = concatenate([tokens, prompts.sparse], axis: 1) }

        let image = embedding + prompts.dense
        let (answers, keys) = transformer(
            tokens: tokens, image: image.reshaped([image.shape[0], positions, channels]), places: places)

        let filters = hypernetworks.enumerated().map { mask, network in
            network(slice(answers, axis: 1, mask + 1..<mask + 2))
        }
        var logits = upscaling(keys, masks: concatenate(filters, axis: 1))
        if let prior = prompts.prior { logits = logits + Value(Self.forEachMask(prior, count: maskCount)) }
        let iou = iouHead(slice(answers, axis: 1, 0..<1)).reshaped([batch, maskCount])
        return (logits, iou)
    }

    /// `[B, s, s]` -> `[B, M, s, s]`.
    private static func forEachMask(_ prior: Tensor, count masks: Int) -> Tensor {
        let (batch, side) = (prior.shape[0], prior.shape[1])
        return Tensor.stacked((0..<batch).flatMap { Array(repeating: prior.rows($0..<$0 + 1), count: masks) })
            .reshaped([batch, masks, side, side])
    }
}
