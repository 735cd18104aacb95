package import Imaging
package import SegmentAnything

/// One model's predictor for each of a task's labels. They have the encoder in common, so any of them may embed an image for
/// all.
package struct LabelledPredictor: Sendable {
    private let first: Predictor
    /// One for each label; none where the model does not tell them apart.
    private let adjustments: [Adjustment]

    /// A model that does not tell labels apart: the base, or one adapted to a single label.
    package init(_ predictor: Predictor) {
        first = predictor
        adjustments = []
    }

    /// - Parameter adjustments: One for each label; at least one.
    package init(_ model: SegmentAnythingModel, adjustments: [Adjustment]) {
        precondition(!adjustments.isEmpty, "a predictor for at least one label")
        first = Predictor(model, adjustment: adjustments[0])
        self.adjustments = adjustments
    }

    /// Made when asked for, but for the first: a request is often about one label of many.
    package subscript(label: Int) -> Predictor {
        guard label > 0, label < adjustments.count else { return first }
        return Predictor(first.model, adjustment: adjustments[label])
    }

    package func embed(_ image: RGBImage) -> ImageEmbedding { first.embed(image) }

    /// - Parameter pause: Asked before each block of the encoder; throws to stop there.
    package func embed(
        _ image: RGBImage, window: PixelBox? = nil, pause: () throws -> Void
    ) rethrows -> ImageEmbedding {
        try first.embed(image, window: window, pause: pause)
    }
}
