package import SegmentAnything
package import Tensor

/// One image on its way through an encoder under training, cut between blocks: of a large model a block takes a second, and
/// there and back can be ended at every cut.
///
/// Each part of the graph begins at a leaf. Backwards the gradient of one part's leaf is what the part before it begins with, so
/// that nothing is different from one graph in one piece.
package struct DividedEncoder {
    private struct Part {
        let input: Value
        let output: Value
        /// Of the layout's entries, those that the part depends on.
        let parameters: Range<Int>
    }

    private var parts: [Part] = []
    private let isTrained: Bool
    /// `[1, g, g, C]`.
    package let embedding: Tensor

    /// - Parameters:
    ///   - activations: `[1, g, g, W]` before the first block of `layout`.
    ///   - isTrained: Whether gradients will be asked for.
    ///   - pause: Called before each block; throws to stop.
    package init(
        _ encoder: ImageEncoder, layout: AdapterLayout, activations: Tensor, isTrained: Bool,
        pause: () throws(AdaptationError) -> Void
    ) throws(AdaptationError) {
        self.isTrained = isTrained
        // Pooled factors are of all blocks at once, which then are one part.
        let isDivided = layout.kind != .pooled
        var input = Value(activations)
        var output = input
        for (place, block) in layout.blocks.enumerated() {
            try pause()
            output = encoder.advanced(output, through: block)
            guard isDivided else { continue }
            parts.append(Part(input: input, output: output, parameters: 4 * place..<4 * place + 4))
            input = isTrained ? Value.parameter(output.tensor) : Value(output.tensor)
            output = input
        }
        output = encoder.finish(output, from: layout.blocks.upperBound)
        let rest = isDivided ? 0..<0 : 0..<4 * layout.blocks.count
        parts.append(Part(input: input, output: output, parameters: rest))
        embedding = output.tensor
    }

    /// The gradients of the low-rank factors, `seed` being that of the embedding. Uses the graph up.
    ///
    /// - Parameters:
    ///   - parameters: Of the layout, in order: those that the encoder was made with.
    ///   - pause: Called before each block; throws to stop.
    package mutating func backward(
        seed: Tensor, to parameters: [Value], pause: () throws(AdaptationError) -> Void
    ) throws(AdaptationError) -> [Tensor] {
        precondition(isTrained, "gradients of an encoder that is not trained")
        var (seed, found) = (seed, [Tensor]())
        // A part's memory goes with it.
        while let part = parts.popLast() {
            try pause()
            let results = gradients(of: part.output, seed: seed, for: [part.input] + parameters[part.parameters])
            seed = results[0]
            found = results.dropFirst() + found
        }
        return found
    }
}
