/// The names of `transformers.SamModel`, told in those of the original state dict. Shapes and layouts are the same.
struct TransformersNames: Sendable {
    /// The random matrix of the position encoding, which image and prompts share.
    static let sharedMatrix = PositionEncoding.matrixName

    /// Beginnings of names that differ as a whole; the longer comes first where one begins another.
    private static let beginnings: [(theirs: String, original: String)] = [
        ("shared_image_embedding.positional_embedding", sharedMatrix),
        ("prompt_encoder.shared_embedding.positional_embedding", sharedMatrix),
        ("prompt_encoder.point_embed.", "prompt_encoder.point_embeddings."),
        ("prompt_encoder.mask_embed.conv1.", "prompt_encoder.mask_downscaling.0."),
        ("prompt_encoder.mask_embed.layer_norm1.", "prompt_encoder.mask_downscaling.1."),
        ("prompt_encoder.mask_embed.conv2.", "prompt_encoder.mask_downscaling.3."),
        ("prompt_encoder.mask_embed.layer_norm2.", "prompt_encoder.mask_downscaling.4."),
        ("prompt_encoder.mask_embed.conv3.", "prompt_encoder.mask_downscaling.6."),
        ("mask_decoder.upscale_conv1.", "mask_decoder.output_upscaling.0."),
        ("mask_decoder.upscale_layer_norm.", "mask_decoder.output_upscaling.1."),
        ("mask_decoder.upscale_conv2.", "mask_decoder.output_upscaling.3."),
        ("mask_decoder.transformer.layer_norm_final_attn.", "mask_decoder.transformer.norm_final_attn."),
        ("vision_encoder.patch_embed.projection.", "image_encoder.patch_embed.proj."),
        ("vision_encoder.neck.conv1.", "image_encoder.neck.0."),
        ("vision_encoder.neck.layer_norm1.", "image_encoder.neck.1."),
        ("vision_encoder.neck.conv2.", "image_encoder.neck.2."),
        ("vision_encoder.neck.layer_norm2.", "image_encoder.neck.3."),
        ("vision_encoder.layers.", "image_encoder.blocks."),
        ("vision_encoder.", "image_encoder."),
    ]

    /// The index of the last linear layer of each perceptron, which is called `proj_out` whatever its place.
    private let lastLayers: [String: Int]

    /// - Parameter names: All names of the file: only they tell how deep its perceptrons are.
    init(_ names: [String]) {
        var lastLayers: [String: Int] = [:]
        for name in names {
            guard let (head, layer, _) = Self.perceptron(name), case .inner(let index) = layer else { continue }
            lastLayers[head] = max(lastLayers[head] ?? 1, index + 2)
        }
        self.lastLayers = lastLayers
    }

    /// The original name; names that are not the model's come back as they are, or as some other that is not.
    func original(_ name: String) -> String {
        if let (head, layer, rest) = Self.perceptron(name) {
            let index =
                switch layer {
                case .first: 0
                case .inner(let index): index + 1
                case .last: lastLayers[head] ?? 1
                }
            return "\(head).layers.\(index)\(rest)"
        }
        guard let (theirs, original) = Self.beginnings.first(where: { name.hasPrefix($0.theirs) }) else {
            return Self.withOriginalNorms(name)
        }
        return Self.withOriginalNorms(original + name.dropFirst(theirs.count))
    }

    /// `layer_norm1` is `norm1` in the blocks of encoder and decoder.
    private static func withOriginalNorms(_ name: String) -> String {
        name.split(separator: ".", omittingEmptySubsequences: false)
            .map { part in
                guard part.hasPrefix("layer_norm"), part.dropFirst("layer_norm".count).allSatisfy(\.isNumber) else {
                    return String(part)
                }
                return String(part.dropFirst("layer_".count))
            }
            .joined(separator: ".")
    }

    private enum Layer {
        case first, last
        case inner(Int)
    }

    /// The parts of a name within a hypernetwork or the IoU head, such as
    /// `mask_decoder.iou_prediction_head`, `proj_in`, `.weight`; nil elsewhere.
    private static func perceptron(_ name: String) -> (head: String, layer: Layer, rest: String)? {
        let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count > 3, path[0] == "mask_decoder" else { return nil }
        let length = path[1] == "iou_prediction_head" ? 2 : path[1] == "output_hypernetworks_mlps" ? 3 : 0
        guard length > 0, path.count > length else { return nil }
        let head = path[..<length].joined(separator: ".")
        func rest(_ count: Int) -> String { path.dropFirst(length + count).map { "." + $0 }.joined() }
        switch path[length] {
        case "proj_in": return (head, .first, rest(1))
        case "proj_out": return (head, .last, rest(1))
        case "layers":
            guard path.count > length + 1, let index = Int(path[length + 1]), (0..<64).contains(index) else {
                return nil
            }
            return (head, .inner(index), rest(2))
        default: return nil
        }
    }
}
