import Tensor

/// Mask logits to the image embedding's grid and channels: two strided 2×2 convolutions, each normed over channels and
/// followed by GELU, and a 1×1 convolution.
struct MaskEmbedding: Sendable {
    private let steps: [(weight: ArrangedWeight, bias: Value, norm: Norm)]
    private let projection: ArrangedWeight  // [C, m]
    private let projectionBias: Value

    init(_ parameters: Parameters) {
        steps = [(0, 1), (3, 4)].map { convolution, norm in
            (
                parameters.arranged("\(convolution).weight", .patches), parameters("\(convolution).bias"),
                Norm(parameters, "\(norm)", epsilon: Norm.encoderEpsilon)
            )
        }
        projection = parameters.arranged("6.weight", .patches)
        projectionBias = parameters("6.bias")
    }

    /// - Parameter masks: `[B, 4g, 4g, 1]`.
    /// - Returns: `[B, g, g, C]`.
    func callAsFunction(_ masks: Value) -> Value {
        var x = masks
        for step in steps {
            let patches = spaceToDepth(x, block: 2)
            x = gelu(step.norm(linear(patches, weight: step.weight.value, bias: step.bias)))
        }
        return linear(x, weight: projection.value, bias: projectionBias)
    }
}
