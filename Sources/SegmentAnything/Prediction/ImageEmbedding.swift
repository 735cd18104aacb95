package import Tensor

/// What the encoder makes of one image: all that prompts need, so it is worth keeping.
package struct ImageEmbedding: Sendable {
    /// `[1, g, g, C]`.
    package let tensor: Tensor
    package let geometry: ImageGeometry

    package init(tensor: Tensor, geometry: ImageGeometry) {
        self.tensor = tensor
        self.geometry = geometry
    }

    /// Memory that keeping it costs.
    package var byteCount: Int { tensor.count * MemoryLayout<Float>.stride + MemoryLayout<ImageEmbedding>.stride }
}
