package import Imaging
import Tensor

/// Segments images: embeds each once, then answers prompts in milliseconds.
package struct Predictor: Sendable {
    package let model: SegmentAnythingModel
    private let preprocessor: Preprocessor
    private let imageEncoder: ImageEncoder
    private let promptEncoder: PromptEncoder
    private let maskDecoder: MaskDecoder
    package let isAdapted: Bool
    /// Whether its embeddings are others than the base model's.
    package let adaptsEncoder: Bool

    package init(
        _ model: SegmentAnythingModel, adjustment: Adjustment = .none, precision: EncoderPrecision = .exact
    ) {
        self.model = model
        isAdapted = !adjustment.isEmpty
        adaptsEncoder = adjustment.adaptsEncoder
        preprocessor = Preprocessor(side: model.configuration.imageSize)
        imageEncoder = ImageEncoder(model, adjustment: adjustment, precision: precision)
        promptEncoder = PromptEncoder(model, adjustment: adjustment)
        maskDecoder = MaskDecoder(model, adjustment: adjustment)
    }

    /// The base model's, where its embeddings are others; nil: these are its own.
    package var base: Predictor? { adaptsEncoder ? Predictor(model) : nil }

    /// The embedding of `image`, or of a part of it, by the whole encoder. Prompts stay in pixels of the whole image.
    package func embed(_ image: RGBImage, window: PixelBox? = nil) -> ImageEmbedding {
        embed(image, window: window) {}
    }

    /// The same with a question before each block of the encoder, of which a large model's take a second each.
    ///
    /// - Parameter pause: Throws to stop there.
    package func embed(
        _ image: RGBImage, window: PixelBox? = nil, pause: () throws -> Void
    ) rethrows -> ImageEmbedding {
        try embed(preprocessor(image, window: window), pause: pause)
    }

    package func embed(_ image: PreprocessedImage) -> ImageEmbedding { embed(image) {} }

    private func embed(_ image: PreprocessedImage, pause: () throws -> Void) rethrows -> ImageEmbedding {
        let embedding = try imageEncoder.finish(imageEncoder.embedPatches(Value(image.pixels)), from: 0, pause: pause)
        return ImageEmbedding(
            tensor: embedding.tensor, geometry: image.geometry, guide: Guide(image, for: model.configuration))
    }

    /// The masks for each prompt, in the order of the prompts.
    ///
    /// - Parameters:
    ///   - prompts: In any mixture; those of one kind are decoded together.
    ///   - multimask: False for the one mask that suits prompts which leave no doubt; true for the several that suit
    ///     ambiguous ones, such as a single point, best predicted IoU first; of an adapted model after the one that it was taught.
    package func predict(
        _ embedding: ImageEmbedding, _ prompts: [Prompt], multimask: Bool = false
    ) throws(PromptError) -> [[MaskPrediction]] {
        try check(prompts, for: embedding)
        return decode(embedding, prompts).map { masks in
            guard multimask else { return [masks[0]] }
            // Of an adapted model the single mask alone was trained for the task: it comes first, whatever the others think of themselves.
            return Array(masks.prefix(isAdapted ? 1 : 0))
                + masks.dropFirst().sorted { $0.predictedIoU > $1.predictedIoU }
        }
    }

    /// One mask for each prompt: of several the one with the best predicted IoU if the model is as it came and the prompt
    /// a single point; in all other cases the single mask.
    ///
    /// A lone click may mean the part or the whole, and the single mask then averages between them; every other prompt
    /// settles it (Kirillov et al. 2023, §3 "Resolving ambiguity"). So the multimask outputs stand to choose from, and
    /// beside them the single mask if the model was taught it with lone points, as those of the project are
    /// (docs/decisions/0025-four-masks-for-a-click.md). An adapted model knows what is meant: its single
    /// mask was trained for the task with every kind of prompt, and the other outputs were not. It knows what its object looks like,
    /// too; a model as it came is told by the image itself: see ``Appearance``.
    package func segment(
        _ embedding: ImageEmbedding, _ prompts: [Prompt]
    ) throws(PromptError) -> [MaskPrediction] {
        try check(prompts, for: embedding)
        return zip(prompts, decode(embedding, prompts)).map { prompt, masks in
            guard !isAdapted else { return masks[0] }
            let several = masks.dropFirst(model.configuration.drawnPrompts == true ? 0 : 1)
            let best = prompt.isLonePoint ? several.max { $0.predictedIoU < $1.predictedIoU } : nil
            return fitted(best ?? masks[0], to: embedding.guide, given: prompt)
        }
    }

    /// The answer that `inquiry` wants next.
    ///
    /// Where a lone click only leads to a closer look, the mask that the others agree with most says where: whichever of them was meant, it is
    /// likely to lie there (docs/decisions/0026-where-to-look.md). Everything else is asked as in ``segment(_:_:)``.
    ///
    /// - Parameter embedding: Of the part of the image that `inquiry` asks about.
    package func answer(
        _ inquiry: Inquiry, on embedding: ImageEmbedding
    ) throws(PromptError) -> MaskPrediction {
        guard inquiry.isLooking, inquiry.prompt.isLonePoint, model.configuration.drawnPrompts == true, !isAdapted else {
            return try segment(embedding, [inquiry.prompt])[0]
        }
        try check([inquiry.prompt], for: embedding)
        let masks = decode(embedding, [inquiry.prompt])[0]
        return fitted(masks[MaskPrediction.mostAgreedWith(masks)], to: embedding.guide, given: inquiry.prompt)
    }

    /// The answer to a box or to points, fitted to the image if the model asks for that. Not to a correction: a mask says more than colours
    /// do, and a click where the object is not must not be filled because it looks like it. Nor is one of lines, which the filter would
    /// smear: see ``Closeup``.
    private func fitted(_ answer: MaskPrediction, to guide: Guide?, given prompt: Prompt) -> MaskPrediction {
        guard let guide, let share = model.configuration.appearance, prompt.maskLogits == nil,
            prompt.box != nil || !prompt.points.isEmpty, prompt.points.allSatisfy(\.isForeground),
            !answer.isThin
        else { return answer }
        let cells = Float(guide.side) / Float(answer.geometry.side)
        let box = prompt.box.map { box in
            let edges = PromptPlacement(answer.geometry, model.configuration).edges(box)
            return Prompt.Box(
                x0: cells * edges.x0, y0: cells * edges.y0, x1: cells * edges.x1, y1: cells * edges.y1)
        }
        return MaskPrediction(
            lowResolutionLogits: Appearance(guide, share: share).fitted(answer.lowResolutionLogits, box: box),
            predictedIoU: answer.predictedIoU, index: answer.index, geometry: answer.geometry)
    }

    private func check(_ prompts: [Prompt], for embedding: ImageEmbedding) throws(PromptError) {
        for prompt in prompts {
            try prompt.check(
                width: embedding.geometry.originalWidth, height: embedding.geometry.originalHeight,
                logitsSide: model.configuration.logitsSide)
        }
    }

    /// Prompts decoded at once: bounds the memory that a request with many prompts takes.
    private static let batchLimit = 16

    /// All M masks of each prompt, the single one first.
    private func decode(_ embedding: ImageEmbedding, _ prompts: [Prompt]) -> [[MaskPrediction]] {
        var answers = [[MaskPrediction]](repeating: [], count: prompts.count)
        let groups = Dictionary(grouping: prompts.indices) { prompts[$0].kind }
        for members in groups.values {
            for start in stride(from: 0, to: members.count, by: Predictor.batchLimit) {
                let batch = members[start..<min(start + Predictor.batchLimit, members.count)]
                let encoded = promptEncoder(batch.map { prompts[$0] }, geometry: embedding.geometry)
                let (logits, iou) = maskDecoder(Value(embedding.tensor), encoded)
                for (row, member) in batch.enumerated() {
                    answers[member] = split(logits.tensor, iou.tensor, row: row, geometry: embedding.geometry)
                }
            }
        }
        return answers
    }

    private func split(_ logits: Tensor, _ iou: Tensor, row: Int, geometry: ImageGeometry) -> [MaskPrediction] {
        let (maskCount, side) = (logits.shape[1], logits.shape[2])
        let masks = logits.rows(row..<row + 1).reshaped([maskCount, side, side])
        let qualities = iou.rows(row..<row + 1).elements
        return (0..<maskCount).map { mask in
            MaskPrediction(
                lowResolutionLogits: masks.rows(mask..<mask + 1).reshaped([side, side]),
                predictedIoU: qualities[mask], index: mask, geometry: geometry)
        }
    }
}
