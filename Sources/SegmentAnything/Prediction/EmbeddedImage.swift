package import Imaging

/// One image under one predictor, each part of it embedded when a prompt first needs it.
///
/// For work that has the image to itself; the service shares embeddings between requests instead.
package final class EmbeddedImage {
    package let image: RGBImage
    private let predictor: Predictor
    private var whole: ImageEmbedding?
    private var parts: [PixelBox: ImageEmbedding] = [:]

    /// - Parameter whole: The embedding of all of the image, where it is there already.
    package init(_ image: RGBImage, by predictor: Predictor, whole: ImageEmbedding? = nil) {
        self.image = image
        self.predictor = predictor
        self.whole = whole
    }

    /// The mask for `prompt`, on the part of the image that ``Focus`` chooses: see ``Predictor/segment(_:_:)``.
    package func segment(_ prompt: Prompt) throws(PromptError) -> MaskPrediction {
        try predictor.segment(embedding(for: prompt), [prompt])[0]
    }

    /// What `prompt` is answered on.
    package func embedding(for prompt: Prompt) -> ImageEmbedding {
        let window = Focus.window(
            for: prompt, width: image.width, height: image.height, model: predictor.model.configuration)
        guard let window else {
            let embedding = whole ?? predictor.embed(image)
            whole = embedding
            return embedding
        }
        let embedding = parts[window] ?? predictor.embed(image, window: window)
        parts[window] = embedding
        return embedding
    }
}
