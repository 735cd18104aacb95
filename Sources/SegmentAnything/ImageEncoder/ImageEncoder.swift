package import Tensor

/// The vision transformer that turns an image into an embedding (Kirillov et al. 2023, §3 and appendix A).
///
/// B images, S pixels a side, g tokens a side, W encoder channels, C embedding channels.
package struct ImageEncoder: Sendable {
    private let patchEmbedding: PatchEmbedding
    private let blocks: [EncoderBlock]
    private let quantizedBlocks: [QuantizedBlock?]
    private let neck: Neck
    private let configuration: Configuration
    private let checkpointing: Checkpointing

    /// - Parameter precision: With `.int8`, of this model's weights; blocks under training are computed in floats all the
    ///   same.
    package init(
        _ model: SegmentAnythingModel, adjustment: Adjustment = .none, precision: EncoderPrecision = .exact,
        checkpointing: Checkpointing = .standard
    ) {
        let parameters = Parameters(model, adjustment, prefix: "image_encoder.")
        patchEmbedding = PatchEmbedding(parameters)
        blocks = (0..<model.configuration.depth).map { index in
            EncoderBlock(parameters.scoped("blocks.\(index)"), index: index)
        }
        switch precision {
        case .exact: quantizedBlocks = Array(repeating: nil, count: blocks.count)
        case .int8(let weights):
            precondition(weights.modelSHA256 == model.sha256, "quantised weights of another model")
            quantizedBlocks = weights.blocks.enumerated().map { index, block in
                QuantizedBlock(parameters.scoped("blocks.\(index)"), index: index, weights: block)
            }
        }
        neck = Neck(parameters.scoped("neck"))
        configuration = model.configuration
        self.checkpointing = checkpointing
    }

    /// - Parameter pixels: `[B, S, S, 3]` from the ``Preprocessor``.
    /// - Returns: The image embedding, `[B, g, g, C]`.
    package func callAsFunction(_ pixels: Value) -> Value { finish(embedPatches(pixels), from: 0) }

    /// What the first block takes.
    ///
    /// - Parameter pixels: `[B, S, S, 3]` from the ``Preprocessor``.
    /// - Returns: `[B, g, g, W]`.
    package func embedPatches(_ pixels: Value) -> Value { patchEmbedding(pixels) }

    /// One block.
    ///
    /// - Parameter activations: `[B, g, g, W]`, what the block before gives; of block 0, the patch embedding.
    package func advanced(_ activations: Value, through block: Int) -> Value {
        if let quantized = quantizedBlocks[block], !activations.requiresGradient {
            return Value(quantized(activations.tensor))
        }
        let isCheckpointed = checkpointing.applies(to: block, of: configuration, batch: activations.shape[0])
        return blocks[block](activations, checkpointing: isCheckpointed)
    }

    /// The blocks from `first` on and the neck.
    ///
    /// - Parameter activations: `[B, g, g, W]`, what `first` takes.
    /// - Returns: `[B, g, g, C]`.
    package func finish(_ activations: Value, from first: Int) -> Value { finish(activations, from: first) {} }

    /// The same with a question before each block.
    ///
    /// - Parameter pause: Throws to stop there.
    package func finish(_ activations: Value, from first: Int, pause: () throws -> Void) rethrows -> Value {
        let last = try (first..<blocks.count).reduce(activations) { activations, block in
            try pause()
            return advanced(activations, through: block)
        }
        return neck(last)
    }
}
