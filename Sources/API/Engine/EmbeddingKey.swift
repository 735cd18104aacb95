import Adaptation
package import Imaging
package import SegmentAnything

/// What an image embedding depends on, and nothing else: never a name that a client chose.
package struct EmbeddingKey: Hashable, Sendable {
    package let pixels: String
    package let preprocessing: String
    package let model: String
    /// Hash of the adapter; nil for the base model and for adapters which leave the encoder alone, as they share its
    /// embeddings.
    package let adapter: String?
    /// The part of the image that was embedded; nil: all of it.
    package let window: PixelBox?
    /// Whether it was the mirror image, of which `window` then is a part.
    package let isMirrored: Bool

    package init(
        pixels: String, preprocessing: String, model: SegmentAnythingModel, adapter: ServedAdapter?,
        window: PixelBox? = nil, isMirrored: Bool = false
    ) {
        self.window = window
        self.isMirrored = isMirrored
        self.pixels = pixels
        self.preprocessing = preprocessing
        self.model = model.sha256
        self.adapter = adapter.flatMap { $0.adapter.adjustment.adaptsEncoder ? $0.adapter.sha256 : nil }
    }
}
