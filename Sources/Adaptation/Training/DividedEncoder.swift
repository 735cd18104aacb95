package import SegmentAnything
package import Tensor

/// One image on its way through an encoder under training, cut between blocks: of a large model a block takes a second, and
/// there and back can be ended at every cut.
///
/// Each part of the graph begins at leaves. Backwards the gradient of one part's input is what the part before it begins with, so
/// that nothing is different from one graph in one piece. Of kind `pooled` all blocks have one update: it is a leaf of each part,
/// and what they say of it goes back to the factors in the end.
package struct DividedEncoder {
    private struct Part {
        let input: Value
        let output: Value
        /// Of the block's update; none behind the last block.
        let update: [Value]
    }

    private var parts: [Part] = []
    private let isTrained: Bool
    private let layout: AdapterLayout
    /// One per low-rank factor of the layout.
    private let factors: [Value]
    /// Of kind `pooled`: the update of all blocks, and the leaves that stand in for it.
    private let shared: (update: LowRankUpdate, leaves: LowRankUpdate)?
    /// `[1, g, g, C]`.
    package let embedding: Tensor

    /// - Parameters:
    ///   - tensors: One per entry of `layout`.
    ///   - scale: `alpha / rank`.
    ///   - activations: `[1, g, g, W]` before the first block of `layout`.
    ///   - isTrained: Whether gradients will be asked for.
    ///   - pause: Called before each block; throws to stop.
    package init(
        _ model: SegmentAnythingModel, layout: AdapterLayout, tensors: [Tensor], scale: Float, activations: Tensor,
        isTrained: Bool, pause: () throws(AdaptationError) -> Void
    ) throws(AdaptationError) {
        func leaf(_ tensor: Tensor) -> Value { isTrained ? .parameter(tensor) : Value(tensor) }
        let factors = tensors[..<(4 * layout.blocks.count)].map(leaf)
        var adjustment = Adjustment.none
        if layout.kind == .pooled {
            let update = layout.pooled(factors, scale: scale)
            let leaves = update.values.map { leaf($0.tensor) }
            let standIn = LowRankUpdate(
                qDown: leaves[0], qUp: leaves[1], vDown: leaves[2], vUp: leaves[3], scale: scale)
            shared = (update, standIn)
            for block in layout.blocks { adjustment.lowRank[block] = standIn }
        } else {
            shared = nil
            for block in layout.blocks {
                adjustment.lowRank[block] = layout.update(factors, block: block, scale: scale)
            }
        }
        let encoder = ImageEncoder(model, adjustment: adjustment)
        var input = Value(activations)
        for block in layout.blocks {
            try pause()
            let output = encoder.advanced(input, through: block)
            parts.append(Part(input: input, output: output, update: adjustment.lowRank[block]?.values ?? []))
            input = leaf(output.tensor)
        }
        let output = encoder.finish(input, from: layout.blocks.upperBound)
        parts.append(Part(input: input, output: output, update: []))
        embedding = output.tensor
        self.layout = layout
        self.factors = factors
        self.isTrained = isTrained
    }

    /// The gradients of the low-rank factors, `seed` being that of the embedding. Uses the graph up.
    ///
    /// - Parameter pause: Called before each block; throws to stop.
    package mutating func backward(
        seed: Tensor, pause: () throws(AdaptationError) -> Void
    ) throws(AdaptationError) -> [Tensor] {
        precondition(isTrained, "gradients of an encoder that is not trained")
        var (seed, found) = (seed, [[Tensor]]())
        // A part's memory goes with it.
        while let part = parts.popLast() {
            try pause()
            let results = gradients(of: part.output, seed: seed, for: [part.input] + part.update)
            seed = results[0]
            if !part.update.isEmpty { found.append(Array(results.dropFirst())) }
        }
        guard let shared else { return found.reversed().flatMap(\.self) }
        var sum = GradientSum(shapes: shared.leaves.values.map(\.shape))
        for gradients in found { sum.add(gradients) }
        let totals = sum.tensors(scaledBy: 1)
        // Each of the four comes of every block's factor of its kind.
        let byFactor = shared.update.values.enumerated().map { place, value in
            let own = layout.blocks.indices.map { factors[4 * ($0 - layout.blocks.lowerBound) + place] }
            return gradients(of: value, seed: totals[place], for: own)
        }
        return (0..<layout.blocks.count).flatMap { block in byFactor.map { $0[block] } }
    }
}
