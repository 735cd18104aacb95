package import Imaging
package import Tensor

extension Prompt {
    /// A mask of the original image as a mask prompt, `[4g, 4g]` logits.
    ///
    /// A mask says where the object is and not how sure that is, so the logits are made up. SAM takes those of its own former
    /// answers: ±10, where they saturate, and between them where a cell is partly covered. A model whose prompts are drawn
    /// (`Configuration.drawnPrompts`) takes what is drawn, and has learnt to doubt it near the outline: see ``outlined(_:width:height:)``.
    package static func maskLogits(_ mask: Mask, model: Configuration) -> Tensor {
        let geometry = ImageGeometry(width: mask.width, height: mask.height, side: model.imageSize)
        let side = model.logitsSide
        // What part of the logits the image fills, to the nearest pixel.
        let width = min(max((geometry.resizedWidth * side + model.imageSize / 2) / model.imageSize, 1), side)
        let height = min(max((geometry.resizedHeight * side + model.imageSize / 2) / model.imageSize, 1), side)
        let coverage = Resize.coverage(mask, width: width, height: height)
        let isDrawn = model.drawnPrompts == true
        let values = isDrawn ? outlined(coverage, width: width, height: height) : coverage.map { 10 * (2 * $0 - 1) }
        return Tensor(shape: [side, side]) { logits in
            logits.update(repeating: isDrawn ? -(reach + 1) : -10)
            for y in 0..<height {
                for x in 0..<width { logits[y * side + x] = values[y * width + x] }
            }
        }
    }

    /// How many cells from its outline a mask is sure.
    private static let reach: Float = 3

    /// The distance of each cell from the mask's outline in cells, positive inside and at most ``reach``; and the share of the cell that is
    /// covered, -1 to 1, which keeps what is thinner than a cell. Its twin is `mask_prompt` in scripts/pretraining/model.py.
    private static func outlined(_ coverage: [Float], width: Int, height: Int) -> [Float] {
        let inside = Mask(width: width, height: height, pixels: coverage.map { $0 >= 0.5 ? 1 : 0 })
        let outside = Mask(width: width, height: height, pixels: inside.pixels.map { 1 - $0 })
        // Infinite where there is no cell on the other side.
        let (fromOutside, fromInside) = (
            DistanceTransform.distances(to: outside), DistanceTransform.distances(to: inside)
        )
        return coverage.indices.map { cell in
            let isInside = inside.pixels[cell] != 0
            let distance = min(Float(isInside ? fromOutside[cell] : fromInside[cell]) - 0.5, reach)
            return (isInside ? distance : -distance) + 2 * coverage[cell] - 1
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
