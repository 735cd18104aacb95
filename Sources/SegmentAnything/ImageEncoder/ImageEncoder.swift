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

    /// - Parameter precision: With `.int8`, of this model's weights; blocks under training are computed in floats all the
    ///   same.
    package init(
        _ model: SegmentAnythingModel, adjustment: Adjustment = .none, precision: EncoderPrecision = .exact
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
    }

    /// - Parameter pixels: `[B, S, S, 3]` from the ``Preprocessor``.
    /// - Returns: The image embedding, `[B, g, g, C]`.
    package func callAsFunction(_ pixels: Value, checkpointing: Checkpointing = .standard) -> Value {
        finish(patchEmbedding(pixels), from: 0, checkpointing: checkpointing)
    }

    /// The patch embedding and the first `count` blocks: what adapters of later blocks share, and may be kept.
    ///
    /// - Returns: `[B, g, g, W]`.
    package func prefix(_ pixels: Value, blocks count: Int, checkpointing: Checkpointing = .standard) -> Value {
        run(0..<count, patchEmbedding(pixels), checkpointing)
    }

    /// The prefix that holds one block more: for callers who want to do something between blocks.
    ///
    /// - Parameter prefix: `[B, g, g, W]`, what `prefix(_:blocks:)` gives for `block` blocks.
    package func advanced(_ prefix: Value, through block: Int) -> Value { run(block..<block + 1, prefix, .standard) }

    /// The blocks from `first` on and the neck; `finish(prefix(pixels, blocks: k), from: k)` is the whole encoder.
    ///
    /// - Parameter prefix: `[B, g, g, W]`.
    /// - Returns: `[B, g, g, C]`.
    package func finish(_ prefix: Value, from first: Int, checkpointing: Checkpointing = .standard) -> Value {
        neck(run(first..<blocks.count, prefix, checkpointing))
    }

    /// The same with a question before each block.
    ///
    /// - Parameter pause: Throws to stop there.
    package func finish(_ prefix: Value, from first: Int, pause: () throws -> Void) rethrows -> Value {
        let activations = try (first..<blocks.count).reduce(prefix) { activations, block in
            try pause()
            return advanced(activations, through: block)
        }
        return finish(activations, from: blocks.count)
    }

    private func run(_ range: Range<Int>, _ x: Value, _ checkpointing: Checkpointing) -> Value {
        range.reduce(x) { x, index in
            if let block = quantizedBlocks[index], !x.requiresGradient { return Value(block(x.tensor)) }
            let isCheckpointed = checkpointing.applies(to: index, of: configuration, batch: x.shape[0])
            return blocks[index](x, checkpointing: isCheckpointed)
        }
    }
}
