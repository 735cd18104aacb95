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

    private var cells: (columns: Int, rows: Int, perX: Float, perY: Float) {
        MaskPrediction.cells(geometry, side: lowResolutionLogits.shape[0])
    }

    /// The box around the mask, in pixels of the original image and as fine as the logits' cells; nil when it is empty.
    ///
    /// - Parameter points: Of the foreground; where one of them lies in the mask, only the connected parts with such points count.
    func extent(touching points: [Prompt.Point] = []) -> Prompt.Box? {
        let (side, cells) = (lowResolutionLogits.shape[0], cells)
        let mask = lowResolutionLogits.withUnsafeElements { logits in
            Mask(
                width: cells.columns, height: cells.rows,
                pixels: (0..<cells.rows).flatMap { y in
                    (0..<cells.columns).map { x in logits[y * side + x] > 0 ? 1 : 0 }
                })
        }
        let parts = mask.components(.eight)
        let labels = points.filter(\.isForeground).compactMap { place(of: $0) }.map { place in
            parts.labels[min(Int(place.y), cells.rows - 1) * cells.columns + min(Int(place.x), cells.columns - 1)]
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

    /// The logit at a place of the original image, bilinear, as the mask is drawn but for half a cell at the border to padding; nil where
    /// it has not looked.
    func logit(at point: Prompt.Point) -> Float? {
        guard let place = place(of: point) else { return nil }
        let column = AxisResampling.neighbours(at: place.x, from: cells.columns)
        let row = AxisResampling.neighbours(at: place.y, from: cells.rows)
        func mixed(_ line: Int) -> Float {
            (1 - column.share) * lowResolutionLogits[line, column.first] + column.share
                * lowResolutionLogits[line, column.second]
        }
        return (1 - row.share) * mixed(row.first) + row.share * mixed(row.second)
    }

    /// A place of the original image in cells from the window's corner; nil beyond the window.
    private func place(of point: Prompt.Point) -> (x: Float, y: Float)? {
        // Places reach half a pixel beyond the outermost centres.
        let (x, y) = (point.x + 0.5 - Float(geometry.window.x0), point.y + 0.5 - Float(geometry.window.y0))
        guard x >= 0, y >= 0, x <= Float(geometry.window.width), y <= Float(geometry.window.height) else { return nil }
        return (x * cells.perX, y * cells.perY)
    }

    /// How many of its cells show the image.
    var shownCells: (columns: Int, rows: Int) { (cells.columns, cells.rows) }

    /// Its logits as a mask prompt on another part of the image, `[side, side]`: bilinear where that shows it larger, the mean of what a cell
    /// covers where it shows it smaller, background where it has not looked.
    func maskLogits(on target: ImageGeometry, side: Int) -> Tensor {
        guard target != geometry || side != lowResolutionLogits.shape[0] else { return lowResolutionLogits }
        let (from, to) = (cells, MaskPrediction.cells(target, side: side))
        let ownSide = lowResolutionLogits.shape[0]
        let columns = MaskPrediction.taps(
            (to.columns, target.window.x0, to.perX), from: (from.columns, geometry.window.x0, from.perX),
            length: geometry.window.width)
        let rows = MaskPrediction.taps(
            (to.rows, target.window.y0, to.perY), from: (from.rows, geometry.window.y0, from.perY),
            length: geometry.window.height)
        return Tensor(shape: [side, side]) { logits in
            logits.update(repeating: DrawnPrompt.floor)
            lowResolutionLogits.withUnsafeElements { own in
                for (y, row) in rows.enumerated() where !row.weights.isEmpty {
                    for (x, column) in columns.enumerated() where !column.weights.isEmpty {
                        var sum: Float = 0
                        for (down, weight) in row.weights.enumerated() {
                            let line = (row.start + down) * ownSide + column.start
                            for (across, share) in column.weights.enumerated() {
                                sum += weight * share * own[line + across]
                            }
                        }
                        logits[y * side + x] = sum
                    }
                }
            }
        }
    }

    /// What each cell of a target is made of, along one axis: weights of own cells from `start` on; none where it shows nothing of them.
    ///
    /// - Parameters:
    ///   - target: Its cells, the pixel of the original image at which they begin, and how many there are to a pixel; `own` the same.
    ///   - length: Of the own window, in pixels.
    private static func taps(
        _ target: (count: Int, start: Int, perPixel: Float), from own: (count: Int, start: Int, perPixel: Float),
        length: Int
    ) -> [(start: Int, weights: [Float])] {
        (0..<target.count).map { index in
            func place(_ edge: Int) -> Float {
                (Float(target.start) + Float(edge) / target.perPixel - Float(own.start)) * own.perPixel
            }
            let (low, high) = (place(index), place(index + 1))
            // The last cell may reach beyond the image.
            let (first, last) = (max(low, 0), min(high, Float(length) * own.perPixel, Float(own.count)))
            guard last > first else { return (0, []) }
            guard high - low > 1 else {
                let taps = AxisResampling.neighbours(at: (first + last) / 2, from: own.count)
                return (taps.first, taps.second == taps.first ? [1] : [1 - taps.share, taps.share])
            }
            let cells = Int(first)..<Int(last.rounded(.up))
            return (cells.lowerBound, cells.map { (min(last, Float($0 + 1)) - max(first, Float($0))) / (last - first) })
        }
    }
}
