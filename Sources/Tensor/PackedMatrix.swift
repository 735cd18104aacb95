/// The right side of products, `[depth, columns]`, in the order in which the kernels read it.
///
/// Packing costs about a hundredth of a product with a few hundred rows, so nothing is kept from one product to the next:
/// memory is worth more.
struct PackedMatrix: Sendable {
    let depth, columns: Int
    private let storage: Storage

    /// Packs `b` on all threads.
    init(_ b: MatrixProduct.Operand, depth: Int, columns: Int) {
        self.depth = depth
        self.columns = columns
        let storage = Storage(count: Kernels.best.packedCount(columns: columns, depth: depth))
        self.storage = storage
        let sink = Sink(base: storage.base)
        Threads.forEachSlice(of: panels, minimum: Grain.rows(of: Kernels.best.panelColumns * depth)) { range in
            Kernels.best.packProduct(
                sink.base, b.base, stride: b.stride, isTransposed: b.isTransposed, columns: columns, depth: depth,
                panels: range)
        }
    }

    private var panels: Int { (columns + Kernels.best.panelColumns - 1) / Kernels.best.panelColumns }

    /// `c = finish(a · self)`, or `c += a · self`, on this thread; `a` is `[rows, depth]`.
    func multiply(_ a: MatrixProduct.Operand, rows: Int, into c: UnsafeMutablePointer<Float>, stride: Int) {
        Kernels.best.product(task(a, rows: rows, c, stride, .none, false), rows: 0..<rows, panels: 0..<panels)
    }

    /// The same on all threads.
    func multiplyInParallel(
        _ a: MatrixProduct.Operand, rows: Int, into c: UnsafeMutablePointer<Float>, stride: Int,
        finish: MatrixProduct.Finish, accumulate: Bool
    ) {
        let task = task(a, rows: rows, c, stride, finish, accumulate)
        let (rowPieces, panelPieces) = pieces(rows: rows)
        let groups = (rows + Kernels.best.productRows - 1) / Kernels.best.productRows
        Threads.forEach(rowPieces * panelPieces) { index in
            let (row, column) = index.quotientAndRemainder(dividingBy: panelPieces)
            let group = Self.piece(row, of: rowPieces, groups)
            let first = group.lowerBound * Kernels.best.productRows
            let last = min(rows, group.upperBound * Kernels.best.productRows)
            Kernels.best.product(task, rows: first..<last, panels: Self.piece(column, of: panelPieces, panels))
        }
    }

    private func task(
        _ a: MatrixProduct.Operand, rows: Int, _ c: UnsafeMutablePointer<Float>, _ stride: Int,
        _ finish: MatrixProduct.Finish, _ accumulate: Bool
    ) -> PackedProductTask {
        precondition(!a.isTransposed, "the left side of a packed product is stored by rows")
        return PackedProductTask(
            c: (c, stride), a: (a.base, a.stride), packed: UnsafePointer(storage.base), rows: rows, columns: columns,
            depth: depth, bias: finish.bias, activation: finish.activation, residual: finish.residual,
            before: finish.before, slope: finish.slope, accumulate: accumulate)
    }

    /// How many pieces rows and panels are cut into: several for each thread, so that one held up delays little.
    ///
    /// The cut may depend on the number of threads, since an element is summed in the same order whatever the cut.
    private func pieces(rows: Int) -> (rows: Int, panels: Int) {
        let threads = Threads.count
        let most = 1 + rows * columns * depth / MatrixProduct.smallestSlice
        let wanted = threads == 1 ? 1 : min(most, 8 * threads)
        // Below some groups of rows, reading the whole of the packed matrix for them takes longer than computing.
        let (groups, fewest) = ((rows + Kernels.best.productRows - 1) / Kernels.best.productRows, 4)
        let rowPieces = max(1, min(groups / fewest, wanted))
        return (rowPieces, min(panels, (wanted + rowPieces - 1) / rowPieces))
    }

    private static func piece(_ index: Int, of pieces: Int, _ count: Int) -> Range<Int> {
        index * count / pieces..<(index + 1) * count / pieces
    }
}
