import SegmentAnything
import Tensor

/// One prompt through the decoder and back, on a graph of its own that ends at the embedding: it is freed before the next, and
/// several can be computed at once.
struct DecoderPass: Sendable {
    let model: SegmentAnythingModel
    let layout: AdapterLayout
    /// One per entry of `layout`.
    let tensors: [Tensor]
    /// `alpha / rank`.
    let scale: Float
    let label: Int
    /// `[1, g, g, C]`.
    let embedding: Tensor
    let geometry: ImageGeometry
    let target: MaskTarget
    let criterion: MaskLoss
    /// Whether the embedding's gradient is asked for.
    let isEmbeddingTrained: Bool

    struct Found: Sendable {
        let loss: Double
        /// Gradients of the layout's entries after the low-rank factors.
        let decoder: [Tensor]
        let embedding: Tensor?
    }

    /// Whether the operations of a model's decoder are too small to be worth cutting: then whole passes go side by side, and a few
    /// graphs at once take little memory.
    static func isSmall(_ configuration: Configuration) -> Bool {
        configuration.grid * configuration.grid * configuration.embeddingChannels <= 1 << 18
    }

    func callAsFunction(_ prompt: Prompt) -> Found {
        let parameters = tensors.map(Value.parameter)
        let leaf = isEmbeddingTrained ? Value.parameter(embedding) : Value(embedding)
        let adjustment = layout.adjustment(parameters, scale: scale, label: label)
        let decoder = MaskDecoder(model, adjustment: adjustment)
        let promptEncoder = PromptEncoder(model, adjustment: adjustment)
        let (logits, iou) = decoder(leaf, promptEncoder([prompt], geometry: geometry))
        let loss = criterion(logits: logits, quality: iou, target: target)
        let trained = Array(parameters[(4 * layout.blocks.count)...])
        let found = gradients(of: loss, for: isEmbeddingTrained ? trained + [leaf] : trained)
        return Found(
            loss: Double(loss.tensor.elements[0]), decoder: Array(found[..<trained.count]),
            embedding: isEmbeddingTrained ? found.last : nil)
    }
}
