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

    /// The mask for `prompt`, on the part of the image that it concerns, and finer where it is thin: see ``Inquiry`` and ``Closeup``.
    package func segment(_ prompt: Prompt) throws(PromptError) -> MaskPrediction {
        let view = try view(of: prompt)
        let answer = try predictor.segment(view.embedding, [view.prompt])[0]
        guard var closeup = Closeup(of: answer, to: view.prompt, by: predictor) else { return answer }
        while let question = closeup.question {
            closeup.take(try predictor.segment(embedding(of: question.window), [question.prompt])[0])
        }
        return closeup.answer
    }

    /// What is asked in the end for an answer to `prompt`, and on what; of a thin answer before anybody looks closer.
    package func view(of prompt: Prompt) throws(PromptError) -> (prompt: Prompt, embedding: ImageEmbedding) {
        var inquiry = try Inquiry(
            prompt, width: image.width, height: image.height, model: predictor.model.configuration,
            isAdapted: predictor.isAdapted)
        while !inquiry.isLast {
            inquiry.take(try predictor.answer(inquiry, on: embedding(of: inquiry.window)))
        }
        return (inquiry.prompt, embedding(of: inquiry.window))
    }

    private func embedding(of window: PixelBox?) -> ImageEmbedding {
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
