import CDNNL
import Glibc

/// Dense single-precision matrix products: the one place that calls oneDNN.
///
/// oneDNN's `dnnl_sgemm` reaches 100–112 of about 118 GFLOP/s on one AVX-512 core at every shape of the networks here,
/// as much as its matmul primitives with packed weights, takes any leading dimension and needs no cache of primitives.
/// It runs on the calling thread alone; the parallelism is ours, by slices (see `Threads`).
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

    /// The same on all threads; `finish(rows)` runs after each slice, for what is best done while it is in cache. When
    /// `finish` is given slices are whole rows.
    package static func parallel(
        _ c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int, depth: Int, a: Operand, b: Operand,
        accumulate: Bool = false, finish: (@Sendable (Range<Int>) -> Void)? = nil
    ) {
        let result = Result(base: c, stride: stride)
        let work = max(1, columns * depth)
        if rows >= columns || finish != nil {
            // Cut by shape alone, so that the same operation rounds the same whatever the number of threads.
            Threads.forEachSlice(of: rows, minimum: smallestSlice / work + 1, pieces: slices) { range in
                slice(
                    result.base + range.lowerBound * stride, stride: stride, rows: range.count, columns: columns,
                    depth: depth, a: a.skipping(rows: range.lowerBound), b: b, accumulate: accumulate)
                finish?(range)
            }
        } else {
            Threads.forEachSlice(of: columns, minimum: smallestSlice / max(1, rows * depth) + 1, pieces: slices) {
                range in
                slice(
                    result.base + range.lowerBound, stride: stride, rows: rows, columns: range.count, depth: depth,
                    a: a, b: b.skipping(columns: range.lowerBound), accumulate: accumulate)
            }
        }
    }

    private static let plain = CChar(UInt8(ascii: "N"))
    private static let transposed = CChar(UInt8(ascii: "T"))
    private static let slices = 8
    private static let smallestSlice = 1 << 20  // multiply-adds, some 20 microseconds: what waking a thread costs
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
