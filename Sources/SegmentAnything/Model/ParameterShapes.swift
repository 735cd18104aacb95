/// What a tensor of the state dict must look like.
struct ParameterShape: Sendable {
    let name: String
    let shape: [Int]
    /// Relative position tables may have any length: they are interpolated to `shape[0]` rows.
    var hasFreeLength = false

    func accepts(_ found: [Int]) -> Bool {
        guard hasFreeLength else { return found == shape }
        return found.count == shape.count && found.dropFirst().elementsEqual(shape.dropFirst())
            && found.first.map { (1...4096).contains($0) } ?? false
    }
}

extension Configuration {
    /// Every tensor of the model under its name in the PyTorch package's state dict, with its shape there
    /// (facebookresearch/segment-anything, `segment_anything/modeling`).
    var parameterShapes: [ParameterShape] {
        imageEncoderShapes + promptEncoderShapes + maskDecoderShapes
    }

    /// The number of weights in each tensor of the model, by name: what a model costs before it is loaded.
    package var parameterSizes: [String: Int] {
        Dictionary(uniqueKeysWithValues: parameterShapes.map { ($0.name, $0.shape.reduce(1, *)) })
    }

    private var imageEncoderShapes: [ParameterShape] {
        var list = ParameterList(prefix: "image_encoder.")
        list.add("pos_embed", [1, grid, grid, width])
        list.add("patch_embed.proj.weight", [width, 3, patchSize, patchSize])
        list.add("patch_embed.proj.bias", [width])
        for index in 0..<depth {
            let block = "blocks.\(index)."
            let tableLength = 2 * attentionSide(block: index) - 1
            list.addNorm(block + "norm1", width)
            list.add(block + "attn.rel_pos_h", [tableLength, headWidth], hasFreeLength: true)
            list.add(block + "attn.rel_pos_w", [tableLength, headWidth], hasFreeLength: true)
            list.addLinear(block + "attn.qkv", from: width, to: 3 * width)
            list.addLinear(block + "attn.proj", from: width, to: width)
            list.addNorm(block + "norm2", width)
            list.addLinear(block + "mlp.lin1", from: width, to: mlpRatio * width)
            list.addLinear(block + "mlp.lin2", from: mlpRatio * width, to: width)
        }
        list.add("neck.0.weight", [embeddingChannels, width, 1, 1])
        list.addNorm("neck.1", embeddingChannels)
        list.add("neck.2.weight", [embeddingChannels, embeddingChannels, 3, 3])
        list.addNorm("neck.3", embeddingChannels)
        return list.shapes
    }

    private var promptEncoderShapes: [ParameterShape] {
        var list = ParameterList(prefix: "prompt_encoder.")
        let channels = embeddingChannels
        list.add("pe_layer.positional_encoding_gaussian_matrix", [2, channels / 2])
        for kind in 0..<4 { list.add("point_embeddings.\(kind).weight", [1, channels]) }
        list.add("not_a_point_embed.weight", [1, channels])
        list.add("no_mask_embed.weight", [1, channels])
        list.add("mask_downscaling.0.weight", [maskInputChannels / 4, 1, 2, 2])
        list.add("mask_downscaling.0.bias", [maskInputChannels / 4])
        list.addNorm("mask_downscaling.1", maskInputChannels / 4)
        list.add("mask_downscaling.3.weight", [maskInputChannels, maskInputChannels / 4, 2, 2])
        list.add("mask_downscaling.3.bias", [maskInputChannels])
        list.addNorm("mask_downscaling.4", maskInputChannels)
        list.add("mask_downscaling.6.weight", [channels, maskInputChannels, 1, 1])
        list.add("mask_downscaling.6.bias", [channels])
        return list.shapes
    }

    private var maskDecoderShapes: [ParameterShape] {
        var list = ParameterList(prefix: "mask_decoder.")
        let channels = embeddingChannels
        for index in 0..<decoderDepth {
            let layer = "transformer.layers.\(index)."
            list.addAttention(layer + "self_attn", channels, inner: channels)
            list.addNorm(layer + "norm1", channels)
            list.addAttention(layer + "cross_attn_token_to_image", channels, inner: channels / 2)
            list.addNorm(layer + "norm2", channels)
            list.addLinear(layer + "mlp.lin1", from: channels, to: decoderMLP)
            list.addLinear(layer + "mlp.lin2", from: decoderMLP, to: channels)
            list.addNorm(layer + "norm3", channels)
            list.addNorm(layer + "norm4", channels)
            list.addAttention(layer + "cross_attn_image_to_token", channels, inner: channels / 2)
        }
        list.addAttention("transformer.final_attn_token_to_image", channels, inner: channels / 2)
        list.addNorm("transformer.norm_final_attn", channels)
        list.add("iou_token.weight", [1, channels])
        list.add("mask_tokens.weight", [maskCount, channels])
        list.add("output_upscaling.0.weight", [channels, channels / 4, 2, 2])
        list.add("output_upscaling.0.bias", [channels / 4])
        list.addNorm("output_upscaling.1", channels / 4)
        list.add("output_upscaling.3.weight", [channels / 4, channels / 8, 2, 2])
        list.add("output_upscaling.3.bias", [channels / 8])
        for mask in 0..<maskCount {
            list.addPerceptron("output_hypernetworks_mlps.\(mask)", [channels, channels, channels, channels / 8])
        }
        let hidden = [Int](repeating: iouHeadHidden, count: iouHeadDepth - 1)
        list.addPerceptron("iou_prediction_head", [channels] + hidden + [maskCount])
        return list.shapes
    }
}

/// Collects shapes under a common prefix.
private struct ParameterList {
    let prefix: String
    var shapes: [ParameterShape] = []

    init(prefix: String) { self.prefix = prefix }

    mutating func add(_ name: String, _ shape: [Int], hasFreeLength: Bool = false) {
        shapes.append(ParameterShape(name: prefix + name, shape: shape, hasFreeLength: hasFreeLength))
    }

    mutating func addNorm(_ name: String, _ channels: Int) {
        add(name + ".weight", [channels])
        add(name + ".bias", [channels])
    }

    mutating func addLinear(_ name: String, from input: Int, to output: Int) {
        add(name + ".weight", [output, input])
        add(name + ".bias", [output])
    }

    mutating func addAttention(_ name: String, _ channels: Int, inner: Int) {
        for projection in ["q_proj", "k_proj", "v_proj"] {
            addLinear("\(name).\(projection)", from: channels, to: inner)
        }
        addLinear(name + ".out_proj", from: inner, to: channels)
    }

    mutating func addPerceptron(_ name: String, _ sizes: [Int]) {
        for (layer, (input, output)) in zip(sizes, sizes.dropFirst()).enumerated() {
            addLinear("\(name).layers.\(layer)", from: input, to: output)
        }
    }
}
