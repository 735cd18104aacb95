import Tensor

extension MaskPrediction {
    /// Of a thin mask's cells less than this share have all eight neighbours in it. Of vessels a seventh have, of other objects that were
    /// found a half and more.
    private static let compactShare: Float = 0.25

    /// Whether its mask is lines that are hardly wider than its cells, and no fewer cells than a line across its square has.
    var isThin: Bool {
        let (side, shown) = (lowResolutionLogits.shape[0], shownCells)
        var (area, inner) = (0, 0)
        lowResolutionLogits.withUnsafeElements { logits in
            /// Of each line, whether a cell and both its neighbours in the line are in the mask.
            func isWide(_ x: Int, _ y: Int) -> Bool {
                (x - 1...x + 1).allSatisfy { logits[y * side + $0] > 0 }
            }
            for y in 0..<shown.rows {
                for x in 0..<shown.columns where logits[y * side + x] > 0 {
                    area += 1
                    guard x > 0, y > 0, x + 1 < shown.columns, y + 1 < shown.rows else { continue }
                    if (y - 1...y + 1).allSatisfy({ isWide(x, $0) }) { inner += 1 }
                }
            }
        }
        return area >= side && Float(inner) < MaskPrediction.compactShare * Float(area)
    }
}
