package import Tensor

/// What the encoder makes of one image: all that prompts need, so it is worth keeping.
package struct ImageEmbedding: Sendable {
    /// `[1, g, g, C]`.
    package let tensor: Tensor
    package let geometry: ImageGeometry
    /// What answers are fitted to; nil: they stay as the network gives them.
    package let guide: Guide?

    package init(tensor: Tensor, geometry: ImageGeometry, guide: Guide? = nil) {
        self.tensor = tensor
        self.geometry = geometry
        self.guide = guide
    }

    /// The same without a guide: answers to prompts that no hand has given stay as the network gives them.
    package var plain: ImageEmbedding { ImageEmbedding(tensor: tensor, geometry: geometry) }

    /// Memory that keeping it costs.
    package var byteCount: Int {
        tensor.count * MemoryLayout<Float>.stride + MemoryLayout<ImageEmbedding>.stride + (guide?.byteCount ?? 0)
    }
}
