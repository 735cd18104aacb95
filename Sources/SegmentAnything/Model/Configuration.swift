import Tensor

/// The sizes of one Segment Anything model. One implementation serves them all.
///
/// Its JSON stands in a model file's metadata under `gmiseg.configuration`; keys are in snake case.
package struct Configuration: Codable, Sendable, Equatable {
    package var name: String
    /// S: pixels along each side of the padded square that the encoder sees.
    package var imageSize: Int
    /// p: pixels along each side of a patch; pixels beyond the last whole patch reach no token.
    package var patchSize: Int
    /// W: channels of the encoder's tokens.
    package var width: Int
    /// Encoder blocks.
    package var depth: Int
    package var heads: Int
    /// The hidden layer of a block's MLP is this many times `width`.
    package var mlpRatio: Int
    /// Blocks that attend over the whole grid; the others attend within windows.
    package var globalBlocks: [Int]
    /// Tokens along each side of a window; 0 makes every block global.
    package var window: Int
    /// C: channels of the image embedding, of the prompts and of the decoder.
    package var embeddingChannels: Int
    package var maskInputChannels: Int
    package var decoderDepth: Int
    package var decoderHeads: Int
    package var decoderMLP: Int
    /// Masks offered for an ambiguous prompt, beside the single mask.
    package var multimaskOutputs: Int
    /// Linear layers in the IoU head.
    package var iouHeadDepth: Int
    package var iouHeadHidden: Int
    /// Whether the model was trained to see points and boxes in the mask prompt too, see ``DrawnPrompt``, and placed like the pixels, see
    /// ``PromptPlacement``. Absent: no, as in every official model.
    package var drawnPrompts: Bool?
    /// Whether the model was trained to see a small object's surroundings fill its input, so that a box is answered on a
    /// part of the image; see ``Focus``. Absent: no, as in every official model.
    package var focusedBoxes: Bool?
    /// How far a box's inscribed ellipse is believed beside what the network sees: the share of ``DrawnPrompt``'s logits that is
    /// added to every mask of a prompt with a box, 0...2. Absent: 0, as in every official model.
    package var boxPrior: Float?
    /// How far the unadapted model's answers to boxes and points are fitted to the image: the share of ``Appearance``'s evidence,
    /// 0...2. Absent: not at all, as in every official model.
    package var appearance: Float?

    enum CodingKeys: String, CodingKey {
        case name
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case width, depth, heads
        case mlpRatio = "mlp_ratio"
        case globalBlocks = "global_blocks"
        case window
        case embeddingChannels = "embedding_channels"
        case maskInputChannels = "mask_input_channels"
        case decoderDepth = "decoder_depth"
        case decoderHeads = "decoder_heads"
        case decoderMLP = "decoder_mlp"
        case multimaskOutputs = "multimask_outputs"
        case iouHeadDepth = "iou_head_depth"
        case iouHeadHidden = "iou_head_hidden"
        case drawnPrompts = "drawn_prompts"
        case focusedBoxes = "focused_boxes"
        case boxPrior = "box_prior"
        case appearance
    }

    package init(
        name: String, imageSize: Int, patchSize: Int, width: Int, depth: Int, heads: Int, mlpRatio: Int = 4,
        globalBlocks: [Int], window: Int, embeddingChannels: Int = 256, maskInputChannels: Int = 16,
        decoderDepth: Int = 2, decoderHeads: Int = 8, decoderMLP: Int = 2048, multimaskOutputs: Int = 3,
        iouHeadDepth: Int = 3, iouHeadHidden: Int = 256, drawnPrompts: Bool? = nil,
        focusedBoxes: Bool? = nil, boxPrior: Float? = nil, appearance: Float? = nil
    ) {
        self.name = name
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.width = width
        self.depth = depth
        self.heads = heads
        self.mlpRatio = mlpRatio
        self.globalBlocks = globalBlocks
        self.window = window
        self.embeddingChannels = embeddingChannels
        self.maskInputChannels = maskInputChannels
        self.decoderDepth = decoderDepth
        self.decoderHeads = decoderHeads
        self.decoderMLP = decoderMLP
        self.multimaskOutputs = multimaskOutputs
        self.iouHeadDepth = iouHeadDepth
        self.iouHeadHidden = iouHeadHidden
        self.drawnPrompts = drawnPrompts
        self.focusedBoxes = focusedBoxes
        self.boxPrior = boxPrior
        self.appearance = appearance
    }
}

extension Configuration {
    /// g: tokens along each side of the image embedding.
    package var grid: Int { imageSize / patchSize }

    /// Pixels along each side of the decoder's logits.
    package var logitsSide: Int { 4 * grid }

    /// M: the single mask and the multimask ones.
    package var maskCount: Int { 1 + multimaskOutputs }

    var headWidth: Int { width / heads }

    /// Tokens along each side of what block `index` attends over: the window's or the whole grid's.
    func attentionSide(block index: Int) -> Int { isGlobal(block: index) ? grid : window }

    func isGlobal(block index: Int) -> Bool { window == 0 || globalBlocks.contains(index) }
}

extension Configuration {
    // Sizes as in segment_anything/build_sam.py.
    package static let vitB = Configuration(
        name: "sam-vit-b", imageSize: 1024, patchSize: 16, width: 768, depth: 12, heads: 12,
        globalBlocks: [2, 5, 8, 11], window: 14)

    package static let vitL = Configuration(
        name: "sam-vit-l", imageSize: 1024, patchSize: 16, width: 1024, depth: 24, heads: 16,
        globalBlocks: [5, 11, 17, 23], window: 14)

    package static let vitH = Configuration(
        name: "sam-vit-h", imageSize: 1024, patchSize: 16, width: 1280, depth: 32, heads: 16,
        globalBlocks: [7, 15, 23, 31], window: 14)

    /// A model that answers within milliseconds even unoptimised: for tests, with random weights.
    package static let tiny = Configuration(
        name: "tiny", imageSize: 32, patchSize: 8, width: 16, depth: 3, heads: 2, mlpRatio: 2, globalBlocks: [1],
        window: 3, embeddingChannels: 16, maskInputChannels: 4, decoderHeads: 2, decoderMLP: 16, iouHeadHidden: 8)
}

extension Configuration {
    /// Throws the first size that no model can have, so that everything built from a checked configuration may divide
    /// and allocate without checking again.
    package func validate() throws(ModelError) {
        // The upper bounds leave room beyond SAM's largest model, and keep every product of sizes far from overflow.
        try require("image_size", imageSize, in: 1...4096)
        if focusedBoxes == true { try require("image_size", imageSize, in: Tiling.sides) }
        try require("patch_size", patchSize, in: 1...64)
        try require("patch_size", patchSize, patchSize <= imageSize, "at most image_size (\(imageSize))")
        try require("patch_size", patchSize, grid <= 256, "at least 1/256 of image_size (\(imageSize))")
        try require("width", width, in: 1...8192)
        try require("depth", depth, in: 1...128)
        try require("heads", heads, in: 1...256)
        try require("heads", heads, width.isMultiple(of: heads), "a divisor of width (\(width))")
        try require("mlp_ratio", mlpRatio, in: 1...16)
        try require(
            "mlp_ratio", mlpRatio, mlpRatio * width <= QuantizedMatrix.maximumDepth,
            "at most \(QuantizedMatrix.maximumDepth) / width (\(width))")
        for block in globalBlocks {
            try require("global_blocks", block, in: 0...(depth - 1))
        }
        try require("window", window, in: 0...256)
        try require("embedding_channels", embeddingChannels, in: 8...4096)
        try require("embedding_channels", embeddingChannels, embeddingChannels.isMultiple(of: 8), "a multiple of 8")
        try require("mask_input_channels", maskInputChannels, in: 4...1024)
        try require("mask_input_channels", maskInputChannels, maskInputChannels.isMultiple(of: 4), "a multiple of 4")
        try require("decoder_depth", decoderDepth, in: 1...32)
        try require("decoder_heads", decoderHeads, in: 1...256)
        try require(
            "decoder_heads", decoderHeads, (embeddingChannels / 2).isMultiple(of: decoderHeads),
            "a divisor of half of embedding_channels (\(embeddingChannels / 2))")
        try require("decoder_mlp", decoderMLP, in: 1...65536)
        try require("multimask_outputs", multimaskOutputs, in: 1...16)
        try require("iou_head_depth", iouHeadDepth, in: 1...16)
        try require("iou_head_hidden", iouHeadHidden, in: 1...8192)
        try require("box_prior", boxPrior ?? 0, (0...2).contains(boxPrior ?? 0), "0 to 2")
        try require("appearance", appearance ?? 0, (0...2).contains(appearance ?? 0), "0 to 2")
    }

    private func require(_ field: String, _ value: Int, in range: ClosedRange<Int>) throws(ModelError) {
        try require(field, value, range.contains(value), "\(range.lowerBound) to \(range.upperBound)")
    }

    private func require(
        _ field: String, _ value: some CustomStringConvertible, _ holds: Bool, _ expectation: String
    ) throws(ModelError) {
        guard holds else {
            throw .invalidConfiguration(field: field, expectation: expectation, found: value.description)
        }
    }
}
