import Tensor

/// Pixels to tokens: a convolution whose kernel and stride are the patch, plus the absolute position table.
struct PatchEmbedding: Sendable {
    let patchSize: Int
    let grid: Int
    let weight: ArrangedWeight  // [W, p*p*3]
    let bias: Value  // [W]
    let positions: Value  // [1, g, g, W]

    init(_ parameters: Parameters) {
        patchSize = parameters.configuration.patchSize
        grid = parameters.configuration.grid
        weight = parameters.arranged("patch_embed.proj.weight", .patches)
        bias = parameters("patch_embed.proj.bias")
        positions = parameters("pos_embed")
    }

    /// - Parameter pixels: `[B, S, S, 3]`, normalised.
    /// - Returns: `[B, g, g, W]`.
    func callAsFunction(_ pixels: Value) -> Value {
        let covered = grid * patchSize
        var pixels = pixels
        for axis in 1...2 where pixels.shape[axis] > covered {
            // A strided convolution never reads the pixels after the last whole patch.
            pixels = slice(pixels, axis: axis, 0..<covered)
        }
        let patches = spaceToDepth(pixels, block: patchSize)
        return linear(patches, weight: weight.value, bias: bias) + positions
    }
}
