package import SegmentAnything
package import Tensor

/// The tensors of an adapter of one kind for one model: their names, shapes and order, and what they mean to the model.
///
/// The trainer makes them, the file holds them and the loader checks them; all three ask here.
///
/// r rank, W encoder width. Low-rank factors are called `image_encoder.blocks.3.attn.qkv.lora_q.down` (`[r, W]`, the
/// paper's A) and `.up` (`[W, r]`, B), the same for `lora_v`; tensors that replace those of the model have its names.
package struct AdapterLayout: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let shape: [Int]
        package let role: Role
    }

    package enum Role: Sendable, Equatable {
        /// Maps tokens to the r numbers (A): random at the start.
        case down
        /// Maps them back (B): zero at the start, so that the model starts unchanged.
        case up
        /// Replaces a tensor of the mask decoder: starts as the model's.
        case override
        /// A row for each label, in place of the model's one: each starts as that.
        case labels
    }

    package let kind: AdapterKind
    package let entries: [Entry]
    package let blocks: Range<Int>

    /// What the decoder is to look for, `[labels, C]`: a label's row stands in for the output token of mask 0.
    private static let labelTokens = "mask_decoder.label_tokens.weight"
    /// What it is told of a label when nobody points, `[labels, C]`: a label's row stands in for `no_mask_embed`.
    private static let labelPrompts = "prompt_encoder.label_prompts.weight"
    private static let promptless = "prompt_encoder.no_mask_embed.weight"
    private static let maskTokens = "mask_decoder.mask_tokens.weight"

    /// The tensor of the model whose first row the labels' rows stand in for.
    func modelName(of entry: Entry) -> String { entry.name == Self.labelTokens ? Self.maskTokens : Self.promptless }

    /// - Parameters:
    ///   - lastBlocks: Encoder blocks that are adapted, counted from the end; nil for all. Without effect on kind `decoder`.
    ///   - labelCount: Labels that share the adapter. One needs no rows to be told from others, and has none.
    package init(kind: AdapterKind, rank: Int, lastBlocks: Int?, labelCount: Int = 1, model: SegmentAnythingModel) {
        self.kind = kind
        let (depth, width) = (model.configuration.depth, model.configuration.width)
        blocks = kind.trainsEncoder ? max(depth - (lastBlocks ?? depth), 0)..<depth : depth..<depth
        var entries: [Entry] = []
        for block in blocks {
            for projection in ["q", "v"] {
                let name = Self.factor(block, projection)
                entries.append(Entry(name: name + ".down", shape: [rank, width], role: .down))
                entries.append(Entry(name: name + ".up", shape: [width, rank], role: .up))
            }
        }
        if kind.trainsDecoder {
            for name in model.parameterNames where Self.isAdapted(name) {
                entries.append(Entry(name: name, shape: model.parameter(name).shape, role: .override))
            }
        }
        if labelCount > 1 {
            let shape = [labelCount, model.configuration.embeddingChannels]
            entries += [Self.labelTokens, Self.labelPrompts].map { Entry(name: $0, shape: shape, role: .labels) }
        }
        self.entries = entries
    }

    /// The same of another rank.
    init(_ layout: AdapterLayout, entries: [Entry]) {
        (kind, blocks) = (layout.kind, layout.blocks)
        self.entries = entries
    }

    /// Whether kind `decoder` trains the tensor: all of the mask decoder but the hyper-networks of masks 1 and up. Mask 0
    /// is what an adapted task answers with, and nothing of it flows through those.
    private static func isAdapted(_ name: String) -> Bool {
        guard name.hasPrefix("mask_decoder.") else { return false }
        let hyperNetworks = "mask_decoder.output_hypernetworks_mlps."
        return !name.hasPrefix(hyperNetworks) || name.hasPrefix(hyperNetworks + "0.")
    }

    private static func factor(_ block: Int, _ projection: String) -> String {
        "image_encoder.blocks.\(block).attn.qkv.lora_\(projection)"
    }

    /// The one update of all blocks of kind `pooled`: with a block's factors averaged over their ranks, `[1, W]` and `[W, 1]`,
    /// stacked over the L blocks to `M_A` `[L, W]` and `M_B` `[W, L]`, it is `M_B · M_A`, for q and v each.
    ///
    /// - Parameters:
    ///   - values: Four for each block, in the order of the entries; more are not looked at.
    ///   - scale: `alpha / rank`.
    func pooled(_ values: [Value], scale: Float) -> LowRankUpdate {
        func stacked(_ factor: Int) -> Value {
            let axis = factor % 2
            let means = blocks.indices.map { rankMean(values[4 * ($0 - blocks.lowerBound) + factor], axis: axis) }
            return concatenate(means, axis: axis)
        }
        return LowRankUpdate(
            qDown: stacked(0), qUp: stacked(1), vDown: stacked(2), vUp: stacked(3), scale: scale)
    }

    /// The update of one block, given one value per entry, in order.
    func update(_ values: [Value], block: Int, scale: Float) -> LowRankUpdate {
        let next = 4 * (block - blocks.lowerBound)
        return LowRankUpdate(
            qDown: values[next], qUp: values[next + 1], vDown: values[next + 2], vUp: values[next + 3], scale: scale)
    }

    /// What the model is to change to show `label`, given one value per entry, in order.
    ///
    /// - Parameters:
    ///   - scale: `alpha / rank`.
    ///   - label: From 0. Labels differ in the decoder's tokens alone, and share the encoder.
    package func adjustment(_ values: [Value], scale: Float, label: Int = 0) -> Adjustment {
        precondition(values.count == entries.count, "one value per entry")
        var adjustment = Adjustment.none
        let shared = kind == .pooled ? pooled(values, scale: scale) : nil
        for block in blocks { adjustment.lowRank[block] = shared ?? update(values, block: block, scale: scale) }
        for index in 4 * blocks.count..<entries.count {
            let (entry, value) = (entries[index], values[index])
            guard entry.role == .labels else {
                adjustment.overrides[entry.name] = value
                continue
            }
            let row = slice(value, axis: 0, label..<label + 1)
            if entry.name == Self.labelTokens {
                adjustment.singleMaskToken = row
            } else {
                adjustment.overrides[Self.promptless] = row
            }
        }
        return adjustment
    }
}
