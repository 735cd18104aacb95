import CDNNL
import Glibc

/// Dense single-precision matrix products.
///
/// Large ones run on our own kernels, which pack each side once and finish tiles in cache (see `PackedMatrix`). Those with
/// few rows, or a transposed left side, are `dnnl_sgemm`'s, and this is the one place that calls oneDNN: it takes any
/// leading dimension and needs no cache of primitives. It runs on the calling thread alone; the parallelism is ours, by
/// slices (see `Threads`).
package enum MatrixProduct {
    /// A row-major matrix, or the transpose of one: `stride` floats lie between the starts of its stored rows.
    package struct Operand: @unchecked Sendable {
        // Invariant: read only, and alive for the duration of the product that it is given to.
        let base: UnsafePointer<Float>
        let stride: Int
        let isTransposed: Bool

        package init(_ base: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false) {
            self.base = base
            self.stride = stride
            self.isTransposed = isTransposed
        }

        func skipping(rows: Int) -> Operand {
            Operand(base + (isTransposed ? rows : rows * stride), stride: stride, isTransposed: isTransposed)
        }

        func skipping(columns: Int) -> Operand {
            Operand(base + (isTransposed ? columns * stride : columns), stride: stride, isTransposed: isTransposed)
        }
    }

    private struct Result: @unchecked Sendable {
        // Invariant: slices write disjoint rows or columns.
        let base: UnsafeMutablePointer<Float>
        let stride: Int
    }

    /// `c = a · b`, or `c += a · b`, on this thread: `a` is `[rows, depth]`, `b` `[depth, columns]`.
    package static func slice(
        _ c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int, depth: Int, a: Operand, b: Operand,
        accumulate: Bool = false
    ) {
        guard rows > 0, columns > 0 else { return }
        guard depth > 0 else {
            if !accumulate { for row in 0..<rows { (c + row * stride).update(repeating: 0, count: columns) } }
            return
        }
        OpenMP.useOneThread()
        let status = dnnl_sgemm(
            a.isTransposed ? transposed : plain, b.isTransposed ? transposed : plain, dnnl_dim_t(rows),
            dnnl_dim_t(columns), dnnl_dim_t(depth), 1, a.base, dnnl_dim_t(a.stride), b.base, dnnl_dim_t(b.stride),
            accumulate ? 1 : 0, c, dnnl_dim_t(stride))
        // The only causes are arguments out of range and exhausted memory.
        precondition(status == dnnl_success, "dnnl_sgemm failed with \(status) at \(rows) x \(columns) x \(depth)")
    }

    /// What is done to a product: `activation(c + bias) gelu'(slope) + residual`.
    package struct Finish: @unchecked Sendable {
        // Invariant: alive for the duration of the product; read only, but for `before`, written by disjoint tiles.
        /// `[columns]`.
        let bias: UnsafePointer<Float>?
        let activation: Activation
        /// `[rows, columns]`.
        let residual: (UnsafePointer<Float>, stride: Int)?
        /// `[rows, columns]`: takes `c + bias`.
        let before: (UnsafeMutablePointer<Float>, stride: Int)?
        /// `[rows, columns]`: where a GELU was taken whose derivative is a factor.
        let slope: (UnsafePointer<Float>, stride: Int)?

        package init(
            bias: UnsafePointer<Float>? = nil, activation: Activation = .none,
            residual: (UnsafePointer<Float>, stride: Int)? = nil,
            before: (UnsafeMutablePointer<Float>, stride: Int)? = nil,
            slope: (UnsafePointer<Float>, stride: Int)? = nil
        ) {
            self.bias = bias
            self.activation = activation
            self.residual = residual
            self.before = before
            self.slope = slope
        }

        package static let none = Finish()
        fileprivate var isNone: Bool {
            bias == nil && activation == .none && residual == nil && before == nil && slope == nil
        }
    }

    /// `c = finish(a · b)`, or `c += a · b`, on all threads.
    package static func parallel(
        _ c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int, depth: Int, a: Operand, b: Operand,
        accumulate: Bool = false, finish: Finish = .none
    ) {
        if !a.isTransposed, rows >= fewestPackedRows, columns > 0, depth > 0 {
            PackedMatrix(b, depth: depth, columns: columns).multiplyInParallel(
                a, rows: rows, into: c, stride: stride, finish: finish, accumulate: accumulate)
            return
        }
        let result = Result(base: c, stride: stride)
        if rows >= columns {
            // Cut by shape alone, so that the same operation rounds the same whatever the number of threads.
            Threads.forEachSlice(of: rows, minimum: smallestSlice / max(1, columns * depth) + 1, pieces: slices) {
                range in
                slice(
                    result.base + range.lowerBound * stride, stride: stride, rows: range.count, columns: columns,
                    depth: depth, a: a.skipping(rows: range.lowerBound), b: b, accumulate: accumulate)
            }
        } else {
            Threads.forEachSlice(of: columns, minimum: smallestSlice / max(1, rows * depth) + 1, pieces: slices) {
                range in
                slice(
                    result.base + range.lowerBound, stride: stride, rows: rows, columns: range.count, depth: depth,
                    a: a, b: b.skipping(columns: range.lowerBound), accumulate: accumulate)
            }
        }
        if !finish.isNone { apply(finish, result, rows: rows, columns: columns) }
    }

    /// The finish of what `dnnl_sgemm` left, which has none of its own.
    private static func apply(_ finish: Finish, _ result: Result, rows: Int, columns: Int) {
        Threads.forEachSlice(of: rows, minimum: Grain.rows(of: columns)) { range in
            for row in range {
                let out = result.base + row * result.stride
                if let (before, stride) = finish.before {
                    Kernels.best.bias(out, finish.bias, rows: 1, columns: columns, activation: .none)
                    (before + row * stride).update(from: out, count: columns)
                    Kernels.best.bias(out, nil, rows: 1, columns: columns, activation: finish.activation)
                } else {
                    Kernels.best.bias(out, finish.bias, rows: 1, columns: columns, activation: finish.activation)
                }
                if let (slope, stride) = finish.slope {
                    Kernels.best.geluBackward(out, x: slope + row * stride, UnsafePointer(out), columns)
                }
                guard let (residual, stride) = finish.residual else { continue }
                Kernels.best.add(out, UnsafePointer(out), residual + row * stride, columns)
            }
        }
    }

    private static let plain = CChar(UInt8(ascii: "N"))
    private static let transposed = CChar(UInt8(ascii: "T"))
    private static let slices = 8
    private static let fewestPackedRows = 32  // with fewer, packing the right side costs more than it gains
    static let smallestSlice = 1 << 20  // multiply-adds, some 20 microseconds: what waking a thread costs
}

/// Debian's oneDNN is built on OpenMP, whose idle threads spin. Told to use one thread it starts none.
private enum OpenMP {
    private typealias SetThreads = @convention(c) (CInt) -> Void

    private static let setThreads: SetThreads? = {
        guard let symbol = dlsym(nil, "omp_set_num_threads") else { return nil }
        return unsafeBitCast(symbol, to: SetThreads.self)
    }()

    /// The setting belongs to the calling thread, and costs one store.
    static func useOneThread() { setThreads?(1) }
}
