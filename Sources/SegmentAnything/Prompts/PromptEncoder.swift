package import Tensor

/// Prompts as the mask decoder takes them. B prompts, n tokens each, C channels, g tokens a side.
package struct EncodedPrompts: Sendable {
    /// Points and boxes, `[B, n, C]`; n is 0 when nothing was said.
    package let sparse: Value
    /// Masks, `[B, g, g, C]`; without masks the one vector that says so, `[1, 1, 1, C]`.
    package let dense: Value
    /// Logits `[B, 4g, 4g]` that are added to each mask, from what a box says of its object's shape; nil: none.
    package let prior: Tensor?
}

/// Turns points, boxes and masks into tokens and a map (Kirillov et al. 2023, appendix A).
package struct PromptEncoder: Sendable {
    private let configuration: Configuration
    private let encoding: PositionEncoding
    private let labels: [Value]  // background, foreground, first corner, second corner: [1, C]
    private let notAPoint: Value  // [1, C]
    private let noMask: Value  // [1, C]
    private let maskEmbedding: MaskEmbedding

    package init(_ model: SegmentAnythingModel, adjustment: Adjustment = .none) {
        let parameters = Parameters(model, adjustment, prefix: "prompt_encoder.")
        configuration = model.configuration
        encoding = PositionEncoding(model.parameter(PositionEncoding.matrixName).tensor)
        labels = (0..<4).map { parameters("point_embeddings.\($0).weight") }
        notAPoint = parameters("not_a_point_embed.weight")
        noMask = parameters("no_mask_embed.weight")
        maskEmbedding = MaskEmbedding(parameters.scoped("mask_downscaling"))
    }

    /// - Parameter prompts: At least one; all with the same number of points, and all or none with a box, with a mask.
    package func callAsFunction(_ prompts: [Prompt], geometry: ImageGeometry) -> EncodedPrompts {
        precondition(!prompts.isEmpty, "no prompts to encode")
        precondition(prompts.allSatisfy { $0.kind == prompts[0].kind }, "prompts of one batch must be of one kind")
        return EncodedPrompts(
            sparse: sparse(prompts, geometry), dense: dense(prompts, geometry), prior: prior(prompts, geometry))
    }

    /// A mask prompt says more about the shape than a box does, so there is none beside it.
    private func prior(_ prompts: [Prompt], _ geometry: ImageGeometry) -> Tensor? {
        guard let share = configuration.boxPrior, prompts[0].kind.hasBox, !prompts[0].kind.hasMask else { return nil }
        let drawn = prompts.compactMap { DrawnPrompt.logits($0, geometry: geometry, model: configuration) }
        return scale(Value(Tensor.stacked(drawn)), by: share).tensor
    }

    /// Points first, then the box's corners; beside points without a box, a padding point that is nowhere.
    private func sparse(_ prompts: [Prompt], _ geometry: ImageGeometry) -> Value {
        let channels = configuration.embeddingChannels
        let placement = PromptPlacement(geometry, configuration)
        let tokens = prompts.flatMap { self.tokens($0, placement) }
        let shape = [prompts.count, prompts[0].kind.tokenCount, channels]
        guard !tokens.isEmpty else { return Value(Tensor(zeros: shape)) }
        let places = Tensor(shape: [tokens.count, channels]) { elements in
            for (index, token) in tokens.enumerated() {
                let range = index * channels..<(index + 1) * channels
                let features = UnsafeMutableBufferPointer(rebasing: elements[range])
                if let place = token.place {
                    // To the pixel's middle, after scaling: half a pixel of the resized image.
                    let side = Float(configuration.imageSize)
                    encoding.write(x: (place.x + 0.5) / side, y: (place.y + 0.5) / side, into: features)
                } else {
                    features.update(repeating: 0)
                }
            }
        }
        return (Value(places) + concatenate(tokens.map(\.label), axis: 0)).reshaped(shape)
    }

    private func tokens(_ prompt: Prompt, _ placement: PromptPlacement) -> [Token] {
        var tokens = prompt.points.map { point in
            Token(place: placement.point(x: point.x, y: point.y), label: labels[point.isForeground ? 1 : 0])
        }
        if let box = prompt.box.map(placement.box) {
            tokens.append(Token(place: (box.x0, box.y0), label: labels[2]))
            tokens.append(Token(place: (box.x1, box.y1), label: labels[3]))
        } else if !tokens.isEmpty {
            tokens.append(Token(place: nil, label: notAPoint))
        }
        return tokens
    }

    private struct Token {
        /// In pixels of the resized image; a padding token has none.
        let place: (x: Float, y: Float)?
        let label: Value
    }

    private func dense(_ prompts: [Prompt], _ geometry: ImageGeometry) -> Value {
        let masks =
            configuration.drawnPrompts == true
            ? prompts.compactMap { DrawnPrompt.logits($0, geometry: geometry, model: configuration) }
            : prompts.compactMap(\.maskLogits)
        guard !masks.isEmpty else { return noMask.reshaped([1, 1, 1, configuration.embeddingChannels]) }
        let side = configuration.logitsSide
        return maskEmbedding(Value(Tensor.stacked(masks).reshaped([masks.count, side, side, 1])))
    }
}
