/// Ground truth at the resolution of the logits: the paper's D(S) (§3.3), by area.
///
/// The decoder's logits cover the padded square, whose cells may lie on the image, on its border or on the padding. A
/// cell's truth is the share of its image area that the mask marks, its weight the share of the cell that is image; so
/// padding counts nothing, and a border cell counts for what it holds.
package struct MaskTarget: Sendable, Equatable {
    /// Cells per side of the square grid.
    package let side: Int
    /// `[side, side]` row-major, 0...1.
    package let truth: [Float]
    /// `[side, side]` row-major, 0...1.
    package let weight: [Float]

    package init(side: Int, truth: [Float], weight: [Float]) {
        precondition(truth.count == side * side && weight.count == side * side, "not [\(side), \(side)]")
        self.side = side
        self.truth = truth
        self.weight = weight
    }

    /// Averages a mask over the cells.
    ///
    /// - Parameters:
    ///   - pixels: `[height, width]` row-major; any value but 0 is foreground.
    ///   - contentWidth: Cells that the image's width spans, at most `side`; may be fractional.
    ///   - contentHeight: The same for the height.
    package init(pixels: [UInt8], width: Int, height: Int, side: Int, contentWidth: Double, contentHeight: Double) {
        precondition(width > 0 && height > 0 && pixels.count == width * height, "pixels are not [\(height), \(width)]")
        precondition(side > 0 && contentWidth > 0 && contentHeight > 0, "an empty grid")
        let columns = Self.overlaps(cells: side, content: contentWidth, pixels: width)
        let rows = Self.overlaps(cells: side, content: contentHeight, pixels: height)

        // Columns first: horizontal[y, cell] is the marked length of row y within the cell, in cells.
        var horizontal = [Float](repeating: 0, count: height * side)
        for y in 0..<height {
            for (cell, column) in columns.enumerated() {
                var sum: Float = 0
                for (offset, share) in column.shares.enumerated() where pixels[y * width + column.first + offset] != 0 {
                    sum += share
                }
                horizontal[y * side + cell] = sum
            }
        }
        var truth = [Float](repeating: 0, count: side * side)
        var weight = truth
        for (cellY, row) in rows.enumerated() {
            for (cellX, column) in columns.enumerated() {
                let area = row.covered * column.covered
                guard area > 0 else { continue }
                var marked: Float = 0
                for (offset, share) in row.shares.enumerated() {
                    marked += share * horizontal[(row.first + offset) * side + cellX]
                }
                truth[cellY * side + cellX] = min(marked / area, 1)
                weight[cellY * side + cellX] = min(area, 1)
            }
        }
        self.init(side: side, truth: truth, weight: weight)
    }

    /// The pixels that one cell overlaps along one axis, each with the length of the overlap in cells.
    private struct Overlap {
        var first = 0
        var shares: [Float] = []
        var covered: Float = 0
    }

    private static func overlaps(cells: Int, content: Double, pixels: Int) -> [Overlap] {
        let cellsPerPixel = content / Double(pixels)
        return (0..<cells).map { cell in
            let (low, high) = (Double(cell), min(Double(cell + 1), content))
            guard high > low else { return Overlap() }
            let first = min(Int(low / cellsPerPixel), pixels - 1)
            var overlap = Overlap(first: first)
            for pixel in first..<pixels {
                let start = max(Double(pixel) * cellsPerPixel, low)
                // The last pixel ends with the content, whatever rounding says.
                let end = min(pixel == pixels - 1 ? content : Double(pixel + 1) * cellsPerPixel, high)
                guard end > start else {
                    if Double(pixel) * cellsPerPixel >= high { break }
                    overlap.shares.append(0)
                    continue
                }
                overlap.shares.append(Float(end - start))
                overlap.covered += Float(end - start)
            }
            return overlap
        }
    }
}
