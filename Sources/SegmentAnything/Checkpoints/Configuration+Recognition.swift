extension Configuration {
    /// The configuration that the shapes of a state dict leave no doubt about; nil without an image encoder's tables.
    ///
    /// Shapes do not tell how many heads the decoder has. Every published model has 8 on 256 channels; with other channels
    /// the file must say so in its metadata.
    ///
    /// - Parameter shape: The shape of the tensor with an original name; nil where there is none.
    init?(shapes shape: (String) -> [Int]?) throws(ModelError) {
        guard let table = shape("image_encoder.pos_embed"), table.count == 4, table[0] == 1, table[1] == table[2],
            (1...256).contains(table[1]), (1...8192).contains(table[3]),
            let patches = shape("image_encoder.patch_embed.proj.weight"), patches.count == 4,
            (1...64).contains(patches[3])
        else { return nil }
        let (grid, width) = (table[1], table[3])
        let depth = Self.count { shape("image_encoder.blocks.\($0).norm1.weight") != nil }
        let channels = try Self.size("image_encoder.neck.0.weight", axis: 0, shape)
        let attention = try Self.attention(depth: depth, grid: grid, shape)
        let hidden = try Self.size("image_encoder.blocks.0.mlp.lin1.weight", axis: 0, shape)
        guard hidden.isMultiple(of: width) else {
            throw .invalidConfiguration(
                field: "mlp_ratio", expectation: "a hidden layer that is a multiple of the width \(width)",
                found: String(hidden))
        }
        guard width.isMultiple(of: attention.headWidth) else {
            throw .invalidConfiguration(
                field: "heads", expectation: "a width (\(width)) that is a multiple of the heads' width",
                found: String(attention.headWidth))
        }
        guard channels == 256 else {
            throw .invalidConfiguration(
                field: "decoder_heads",
                expectation: "to be in the file's metadata (\(Self.metadataKey)), since shapes "
                    + "tell it only for 256 embedding channels", found: "\(channels) channels and no metadata")
        }
        let iouHeadDepth = Self.count { shape("mask_decoder.iou_prediction_head.layers.\($0).weight") != nil }
        self.init(
            name: "sam-\(width)x\(depth)", imageSize: grid * patches[3], patchSize: patches[3], width: width,
            depth: depth,
            heads: width / attention.headWidth, mlpRatio: hidden / width, globalBlocks: attention.globalBlocks,
            window: attention.window, embeddingChannels: channels,
            maskInputChannels: try Self.size("prompt_encoder.mask_downscaling.3.weight", axis: 0, shape),
            decoderDepth: Self.count { shape("mask_decoder.transformer.layers.\($0).norm1.weight") != nil },
            decoderMLP: try Self.size("mask_decoder.transformer.layers.0.mlp.lin1.weight", axis: 0, shape),
            multimaskOutputs: try Self.size("mask_decoder.mask_tokens.weight", axis: 0, shape) - 1,
            iouHeadDepth: iouHeadDepth,
            iouHeadHidden: iouHeadDepth < 2
                ? channels : try Self.size("mask_decoder.iou_prediction_head.layers.0.weight", axis: 0, shape))
        for known in [Configuration.vitB, .vitL, .vitH] where known.isSame(as: self) { self = known }
        try validate()
    }

    /// Whether all sizes agree, whatever the names.
    private func isSame(as other: Configuration) -> Bool {
        var renamed = other
        renamed.name = name
        return renamed == self
    }

    /// How many numbers from 0 on have the property; at most 129, more than any valid depth.
    private static func count(_ holds: (Int) -> Bool) -> Int {
        (0...128).first { !holds($0) } ?? 129
    }

    private static func size(_ name: String, axis: Int, _ shape: (String) -> [Int]?) throws(ModelError) -> Int {
        guard let found = shape(name) else { throw .missingTensor(name) }
        guard found.count > axis else {
            throw .invalidConfiguration(field: name, expectation: "at least \(axis + 1) axes", found: "\(found)")
        }
        return found[axis]
    }

    /// From the tables of relative positions: a block whose table is as long as the grid needs is a global one, the others
    /// agree about the window.
    private static func attention(
        depth: Int, grid: Int, _ shape: (String) -> [Int]?
    ) throws(ModelError) -> (headWidth: Int, globalBlocks: [Int], window: Int) {
        guard depth > 0 else { throw .missingTensor("image_encoder.blocks.0.norm1.weight") }
        let headWidth = try size("image_encoder.blocks.0.attn.rel_pos_h", axis: 1, shape)
        guard headWidth > 0 else {
            throw .invalidConfiguration(field: "heads", expectation: "heads that are not empty", found: "width 0")
        }
        var globalBlocks: [Int] = []
        var window = 0
        for block in 0..<depth {
            let name = "image_encoder.blocks.\(block).attn.rel_pos_h"
            let length = try size(name, axis: 0, shape)
            if length == 2 * grid - 1 {
                globalBlocks.append(block)
            } else if !length.isMultiple(of: 2), length < 2 * grid - 1, window == 0 || 2 * window - 1 == length {
                window = (length + 1) / 2
            } else {
                let lengths = [2 * grid - 1] + (window > 0 ? [2 * window - 1] : [])
                throw .invalidConfiguration(
                    field: name, expectation: "a table of \(lengths.map(String.init).joined(separator: " or ")) rows",
                    found: String(length))
            }
        }
        return (headWidth, globalBlocks, window)
    }
}
