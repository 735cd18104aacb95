import Tensor

/// Image positions to logits at four times the grid, by two strided 2×2 transposed convolutions.
struct MaskUpscaling: Sendable {
    private let first: ArrangedWeight  // [4*C/4, C]
    private let firstBias: ArrangedWeight
    private let norm: Norm
    private let second: ArrangedWeight  // [4*C/8, C/4]
    private let secondBias: ArrangedWeight
    private let grid: Int

    init(_ parameters: Parameters) {
        first = parameters.arranged("0.weight", .spreadPatches)
        firstBias = parameters.arranged("0.bias", .spreadBias(times: 4))
        norm = Norm(parameters, "1", epsilon: Norm.encoderEpsilon)
        second = parameters.arranged("3.weight", .spreadPatches)
        secondBias = parameters.arranged("3.bias", .spreadBias(times: 4))
        grid = parameters.configuration.grid
    }

    /// - Parameters:
    ///   - image: `[B, g*g, C]`.
    ///   - masks: One filter for each mask, `[B, M, C/8]`.
    /// - Returns: Logits, `[B, M, 4g, 4g]`.
    func callAsFunction(_ image: Value, masks: Value) -> Value {
        let (batch, channels) = (image.shape[0], image.shape[2])
        let (maskCount, filterChannels) = (masks.shape[1], masks.shape[2])
        let spread = linear(image, weight: first.value, bias: firstBias.value)
            .reshaped([batch, grid, grid, channels])
        let doubled = gelu(norm(depthToSpace(spread, block: 2)))
        let features = linear(doubled, weight: second.value, bias: secondBias.value, activation: .gelu)
            .reshaped([batch, 16 * grid * grid, filterChannels])
        // Filtering before the last rearrangement moves M values a pixel instead of C/8.
        let filtered = matmulTransposed(masks, features).reshaped([batch * maskCount, 2 * grid, 2 * grid, 4])
        return depthToSpace(filtered, block: 2).reshaped([batch, maskCount, 4 * grid, 4 * grid])
    }
}
