import Imaging
import Tensor

extension MaskPrediction {
    /// The cells of the logits that show the image, and how many there are to a pixel of the original image.
    private static func cells(
        _ geometry: ImageGeometry, side: Int
    ) -> (columns: Int, rows: Int, perX: Float, perY: Float) {
        let scale = Float(side) / Float(geometry.side)
        func filled(_ resized: Int) -> Int { min(max(Int((Float(resized) * scale).rounded(.up)), 1), side) }
        return (
            filled(geometry.resizedWidth), filled(geometry.resizedHeight),
            scale * Float(geometry.resizedWidth) / Float(geometry.window.width),
            scale * Float(geometry.resizedHeight) / Float(geometry.window.height)
        )
    }

    /// The box around the mask, in pixels of the original image and as fine as the logits' cells; nil when it is empty.
    ///
    /// - Parameter points: Of the foreground; where one of them lies in the mask, only the connected parts with such points count.
    func extent(touching points: [Prompt.Point] = []) -> Prompt.Box? {
        let side = lowResolutionLogits.shape[0]
        let cells = MaskPrediction.cells(geometry, side: side)
        let mask = lowResolutionLogits.withUnsafeElements { logits in
            Mask(
                width: cells.columns, height: cells.rows,
                pixels: (0..<cells.rows).flatMap { y in
                    (0..<cells.columns).map { x in logits[y * side + x] > 0 ? 1 : 0 }
                })
        }
        let parts = mask.components(.eight)
        let labels = points.filter(\.isForeground).compactMap { cell(of: $0) }.map { cell in
            parts.labels[cell.row * cells.columns + cell.column]
        }
        let touched = Set(labels).subtracting([0])
        let boxes = parts.components.filter { touched.isEmpty || touched.contains($0.label) }.map(\.boundingBox)
        guard let first = boxes.first else { return nil }
        let box = boxes.dropFirst().reduce(first) { $0.union($1) }
        return Prompt.Box(
            x0: Float(geometry.window.x0) + Float(box.x0) / cells.perX,
            y0: Float(geometry.window.y0) + Float(box.y0) / cells.perY,
            x1: Float(geometry.window.x0) + Float(box.x1 + 1) / cells.perX - 1,
            y1: Float(geometry.window.y0) + Float(box.y1 + 1) / cells.perY - 1)
    }

    /// The logit of the cell that a place of the original image lies in; nil where it has not looked.
    func logit(at point: Prompt.Point) -> Float? {
        cell(of: point).map { lowResolutionLogits[$0.row, $0.column] }
    }

    /// The cell of the logits that a place of the original image lies in; nil beyond the window.
    private func cell(of point: Prompt.Point) -> (row: Int, column: Int)? {
        let cells = MaskPrediction.cells(geometry, side: lowResolutionLogits.shape[0])
        // Places reach half a pixel beyond the outermost centres.
        let (x, y) = (point.x + 0.5 - Float(geometry.window.x0), point.y + 0.5 - Float(geometry.window.y0))
        guard x >= 0, y >= 0, x <= Float(geometry.window.width), y <= Float(geometry.window.height) else { return nil }
        return (min(Int(y * cells.perY), cells.rows - 1), min(Int(x * cells.perX), cells.columns - 1))
    }

    /// Its logits as a mask prompt on another part of the image, `[4g, 4g]`: bilinear, background where it has not looked.
    func maskLogits(on target: ImageGeometry) -> Tensor {
        guard target != geometry else { return lowResolutionLogits }
        let side = lowResolutionLogits.shape[0]
        let (from, to) = (MaskPrediction.cells(geometry, side: side), MaskPrediction.cells(target, side: side))
        /// For each cell of the target the two of this answer between whose centres its own lies, and the second one's share.
        func taps(
            _ count: Int, _ start: Int, _ perPixel: Float, _ ownCount: Int, _ ownStart: Int, _ ownPerPixel: Float
        ) -> [(first: Int, second: Int, share: Float)?] {
            (0..<count).map { index in
                let place = (Float(start) + (Float(index) + 0.5) / perPixel - Float(ownStart)) * ownPerPixel
                guard place >= 0, place < Float(ownCount) else { return nil }
                let centred = min(max(place - 0.5, 0), Float(ownCount - 1))
                let first = Int(centred)
                return (first, min(first + 1, ownCount - 1), centred - Float(first))
            }
        }
        let columns = taps(to.columns, target.window.x0, to.perX, from.columns, geometry.window.x0, from.perX)
        let rows = taps(to.rows, target.window.y0, to.perY, from.rows, geometry.window.y0, from.perY)
        return Tensor(shape: [side, side]) { logits in
            logits.update(repeating: DrawnPrompt.floor)
            lowResolutionLogits.withUnsafeElements { own in
                for (y, row) in rows.enumerated() {
                    guard let row else { continue }
                    for (x, column) in columns.enumerated() {
                        guard let column else { continue }
                        func mixed(_ line: Int) -> Float {
                            let (one, other) = (own[line * side + column.first], own[line * side + column.second])
                            return one + column.share * (other - one)
                        }
                        let (above, below) = (mixed(row.first), mixed(row.second))
                        logits[y * side + x] = above + row.share * (below - above)
                    }
                }
            }
        }
    }
}
