import Tensor

/// The linear layers of every encoder block of one model as 8-bit codes: made once, shared by all requests.
package final class QuantizedWeights: Sendable {
    /// One block's. The fused projection is kept as three, because q, k and v go to three places.
    struct Block: Sendable {
        let query, key, value, output, expand, contract: QuantizedMatrix
    }

    /// Of the weights that were quantised.
    package let modelSHA256: String
    let blocks: [Block]

    package init(_ model: SegmentAnythingModel) {
        modelSHA256 = model.sha256
        let width = model.configuration.width
        blocks = (0..<model.configuration.depth).map { index in
            func weight(_ name: String) -> Tensor {
                model.parameter("image_encoder.blocks.\(index).\(name).weight").tensor
            }
            let fused = weight("attn.qkv")
            let thirds = (0..<3).map { QuantizedMatrix(fused.rows($0 * width..<($0 + 1) * width)) }
            return Block(
                query: thirds[0], key: thirds[1], value: thirds[2], output: QuantizedMatrix(weight("attn.proj")),
                expand: QuantizedMatrix(weight("mlp.lin1")), contract: QuantizedMatrix(weight("mlp.lin2")))
        }
    }

    /// The tensors of the state dict that block `index` replaces.
    static func replacedNames(block index: Int) -> [String] {
        ["attn.qkv", "attn.proj", "mlp.lin1", "mlp.lin2"].map { "image_encoder.blocks.\(index).\($0).weight" }
    }
}
