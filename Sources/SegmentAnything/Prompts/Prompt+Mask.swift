package import Imaging
package import Tensor

extension Prompt {
    /// A mask of the original image as a mask prompt: `[4g, 4g]` logits, `magnitude` inside, `-magnitude` outside and
    /// in the padding, between them where a pixel is partly covered.
    ///
    /// The reference takes logits of its own former answers; ±10 is where those saturate.
    package static func maskLogits(_ mask: Mask, model: Configuration, magnitude: Float = 10) -> Tensor {
        let geometry = ImageGeometry(width: mask.width, height: mask.height, side: model.imageSize)
        let side = model.logitsSide
        // What part of the logits the image fills, to the nearest pixel.
        let width = min(max((geometry.resizedWidth * side + model.imageSize / 2) / model.imageSize, 1), side)
        let height = min(max((geometry.resizedHeight * side + model.imageSize / 2) / model.imageSize, 1), side)
        let coverage = Resize.coverage(mask, width: width, height: height)
        return Tensor(shape: [side, side]) { logits in
            logits.update(repeating: -magnitude)
            for y in 0..<height {
                for x in 0..<width { logits[y * side + x] = magnitude * (2 * coverage[y * width + x] - 1) }
            }
        }
    }
}

extension Prompt {
    /// A value for each token of the embedding, `[g, g]`, as a mask prompt, `[4g, 4g]`: bilinear, without aligned corners.
    package static func maskLogits(tokens: [Float], model: Configuration) -> Tensor {
        let (grid, side) = (model.grid, model.logitsSide)
        precondition(tokens.count == grid * grid, "\(tokens.count) values for \(grid) x \(grid) tokens")
        let taps = (0..<side).map { AxisResampling.neighbours(of: $0, from: grid, to: side) }
        return Tensor(shape: [side, side]) { logits in
            for (y, row) in taps.enumerated() {
                for (x, column) in taps.enumerated() {
                    func value(_ row: Int) -> Float {
                        let (one, other) = (tokens[row * grid + column.first], tokens[row * grid + column.second])
                        return one + column.share * (other - one)
                    }
                    let (above, below) = (value(row.first), value(row.second))
                    logits[y * side + x] = above + row.share * (below - above)
                }
            }
        }
    }
}
