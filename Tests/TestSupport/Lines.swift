/// Whether the positive cells of a square of logits are lines: no fewer than its side, and less than a quarter of them with all eight
/// neighbours among them. The naive twin of what the service asks of an answer.
///
/// - Parameters:
///   - logits: `[side, side]`, row-major.
///   - columns: That show the image, as `rows`; nothing is beyond them.
public func areLines(_ logits: [Float], side: Int, columns: Int? = nil, rows: Int? = nil) -> Bool {
    let (columns, rows) = (columns ?? side, rows ?? side)
    func isIn(_ x: Int, _ y: Int) -> Bool {
        x >= 0 && y >= 0 && x < columns && y < rows && logits[y * side + x] > 0
    }
    var (area, inner) = (0, 0)
    for cell in 0..<side * side where isIn(cell % side, cell / side) {
        area += 1
        let around = (0..<9).filter { isIn(cell % side + $0 % 3 - 1, cell / side + $0 / 3 - 1) }
        if around.count == 9 { inner += 1 }
    }
    return area >= side && 4 * inner < area
}
