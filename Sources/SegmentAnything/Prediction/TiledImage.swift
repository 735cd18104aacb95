package import Imaging

/// One image under one predictor, answered in tiles.
///
/// Each tile is asked with what the prompt says within it; most tiles of a prompt that points at a place are asked with
/// nothing, and such answers are kept, so that a second prompt costs a tile or two.
package final class TiledImage {
    package let width: Int
    package let height: Int
    private let windows: [PixelBox]
    private let predictor: Predictor
    private let embed: (PixelBox) throws -> ImageEmbedding
    private var embeddings: [PixelBox: ImageEmbedding] = [:]
    /// Answers to no prompt.
    private var unprompted: [PixelBox: MaskPrediction] = [:]

    /// - Parameters:
    ///   - width: Of the image in pixels, as `height`.
    ///   - embed: The embedding of a tile, as `predictor` makes it; asked once for each tile that a prompt concerns.
    package init(
        width: Int, height: Int, tiling: Tiling, by predictor: Predictor,
        embed: @escaping (PixelBox) throws -> ImageEmbedding
    ) {
        self.width = width
        self.height = height
        windows = tiling.windows(width: width, height: height)
        self.predictor = predictor
        self.embed = embed
    }

    /// Embeds each tile when it is first needed.
    package convenience init(_ image: RGBImage, tiling: Tiling, by predictor: Predictor) {
        self.init(width: image.width, height: image.height, tiling: tiling, by: predictor) { window in
            predictor.embed(image, window: window)
        }
    }

    /// The mask for `prompt` over the whole image: see ``Mosaic``.
    ///
    /// - Parameters:
    ///   - prompt: Without logits of a mask: those of a whole image are too coarse for a tile.
    ///   - mask: Of the whole image, to be refined.
    /// - Throws: `PromptError`, or what `embed` throws.
    package func segment(_ prompt: Prompt, mask: Mask? = nil) throws -> MaskPrediction {
        precondition(prompt.maskLogits == nil, "a mask prompt of another grid")
        try prompt.check(width: width, height: height, logitsSide: predictor.model.configuration.logitsSide)
        var mosaic = Mosaic(width: width, height: height)
        for window in windows where Tiling.concerns(prompt, window) {
            let part = Tiling.part(of: prompt, mask: mask, in: window, model: predictor.model.configuration)
            mosaic.add(try answer(part, window))
        }
        return mosaic.prediction()
    }

    private func answer(_ prompt: Prompt, _ window: PixelBox) throws -> MaskPrediction {
        if prompt == .none, let known = unprompted[window] { return known }
        let embedding = try embeddings[window] ?? embed(window)
        embeddings[window] = embedding
        let answer = try predictor.segment(embedding, [prompt])[0]
        if prompt == .none { unprompted[window] = answer }
        return answer
    }
}
