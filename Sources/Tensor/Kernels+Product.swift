import CKernels

/// One matrix product, its right side packed: `c = activation(a b + bias) gelu'(slope) + residual`; see `struct product`.
package struct PackedProductTask: @unchecked Sendable {
    // Invariant: what it points to is alive for the duration of the product, and `c` written by disjoint tiles.
    fileprivate var task: product

    /// - Parameters:
    ///   - c: `[rows, columns]`; added to if `accumulate`.
    ///   - a: `[rows, depth]`.
    ///   - packed: `[depth, columns]` as `Kernels.packProduct` left it.
    ///   - bias: `[columns]`.
    ///   - residual: `[rows, columns]`.
    ///   - before: `[rows, columns]`, where `a b + bias` is to go too.
    ///   - slope: `[rows, columns]`.
    package init(
        c: (Kernels.Output, stride: Int), a: (Kernels.Input, stride: Int), packed: Kernels.Input, rows: Int,
        columns: Int, depth: Int, bias: Kernels.Input? = nil, activation: Activation = .none,
        residual: (Kernels.Input, stride: Int)? = nil, before: (Kernels.Output, stride: Int)? = nil,
        slope: (Kernels.Input, stride: Int)? = nil, accumulate: Bool = false
    ) {
        precondition(rows >= 0 && columns >= 0 && depth > 0, "a product of \(rows) x \(columns) x \(depth)")
        task = product(
            c: c.0, a: a.0, b_packed: packed, bias: bias, residual: residual?.0, before: before?.0, slope: slope?.0,
            c_stride: c.stride, a_stride: a.stride, residual_stride: residual?.stride ?? 0,
            before_stride: before?.stride ?? 0, slope_stride: slope?.stride ?? 0, rows: rows, columns: columns,
            depth: depth,
            activation: Int32(activation.code), accumulate: accumulate ? 1 : 0)
    }
}

extension Kernels {
    /// Columns of one packed panel.
    package var panelColumns: Int { table.pointee.product_columns }

    /// Rows that are computed together: slices of rows are best multiples of it.
    package var productRows: Int { table.pointee.product_rows }

    /// Floats that `[depth, columns]` takes packed.
    package func packedCount(columns: Int, depth: Int) -> Int { table.pointee.product_packed(columns, depth) }

    /// Packs some panels of `b`, `[depth, columns]`, or, if it is stored transposed, of the transpose.
    package func packProduct(
        _ packed: Output, _ b: Input, stride: Int, isTransposed: Bool, columns: Int, depth: Int, panels: Range<Int>
    ) {
        table.pointee.product_pack(
            packed, b, stride, isTransposed ? 1 : 0, columns, depth, panels.lowerBound, panels.upperBound)
    }

    /// Computes the tile of `rows` and of the columns of `panels`.
    package func product(_ product: PackedProductTask, rows: Range<Int>, panels: Range<Int>) {
        var task = product.task
        withScratch(table.pointee.product_scratch()) { scratch in
            table.pointee.product(
                &task, rows.lowerBound, rows.upperBound, panels.lowerBound, panels.upperBound, scratch)
        }
    }
}
