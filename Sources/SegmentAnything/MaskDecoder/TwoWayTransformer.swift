import Tensor

/// Tokens and image attending to each other (Kirillov et al. 2023, figure 14).
///
/// B prompts, t tokens (outputs and prompt), T = g*g image positions, C channels.
struct TwoWayTransformer: Sendable {
    private let layers: [TwoWayLayer]
    private let finalAttention: DecoderAttention
    private let finalNorm: Norm

    init(_ parameters: Parameters) {
        layers = (0..<parameters.configuration.decoderDepth).map { index in
            TwoWayLayer(parameters.scoped("layers.\(index)"), isFirst: index == 0)
        }
        finalAttention = DecoderAttention(parameters.scoped("final_attn_token_to_image"))
        finalNorm = Norm(parameters, "norm_final_attn", epsilon: Norm.decoderEpsilon)
    }

    /// - Parameters:
    ///   - tokens: `[B, t, C]`; added to the queries again at every attention.
    ///   - image: `[B, T, C]`, or `[1, T, C]` while all prompts share it.
    ///   - places: `[T, C]`, the position encoding of the image's tokens.
    /// - Returns: Tokens `[B, t, C]` and image `[B, T, C]`.
    func callAsFunction(tokens: Value, image: Value, places: Value) -> (tokens: Value, image: Value) {
        var state = (queries: tokens, keys: image)
        for layer in layers {
            state = layer(queries: state.queries, keys: state.keys, tokens: tokens, places: places)
        }
        let attended = finalAttention.tokensToImage(q: state.queries + tokens, k: state.keys + places, v: state.keys)
        return (finalNorm(state.queries + attended), state.keys)
    }
}

/// One layer: tokens among themselves, tokens to image, an MLP on the tokens, image to tokens.
struct TwoWayLayer: Sendable {
    private let isFirst: Bool
    private let selfAttention: DecoderAttention
    private let tokenToImage: DecoderAttention
    private let imageToToken: DecoderAttention
    private let expand: Linear
    private let contract: Linear
    private let norms: [Norm]

    init(_ parameters: Parameters, isFirst: Bool) {
        self.isFirst = isFirst
        selfAttention = DecoderAttention(parameters.scoped("self_attn"))
        tokenToImage = DecoderAttention(parameters.scoped("cross_attn_token_to_image"))
        imageToToken = DecoderAttention(parameters.scoped("cross_attn_image_to_token"))
        expand = Linear(parameters, "mlp.lin1")
        contract = Linear(parameters, "mlp.lin2")
        norms = (1...4).map { Norm(parameters, "norm\($0)", epsilon: Norm.decoderEpsilon) }
    }

    func callAsFunction(queries: Value, keys: Value, tokens: Value, places: Value) -> (queries: Value, keys: Value) {
        var queries = queries
        if isFirst {
            // The queries are the tokens themselves here: no positions to add, and no residual either.
            queries = selfAttention(q: queries, k: queries, v: queries)
        } else {
            let placed = queries + tokens
            queries = queries + selfAttention(q: placed, k: placed, v: queries)
        }
        queries = norms[0](queries)

        let placedKeys = keys + places
        queries = norms[1](queries + tokenToImage.tokensToImage(q: queries + tokens, k: placedKeys, v: keys))
        queries = norms[2](queries + contract(expand(queries, activation: .relu)))
        let answered = imageToToken.imageToTokens(q: placedKeys, k: queries + tokens, v: queries, residual: keys)
        return (queries, norms[3](answered))
    }
}
