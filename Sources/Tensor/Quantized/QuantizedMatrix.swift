import CKernels

/// A linear layer's weights as signed 8-bit codes with one scale for each output channel, packed once for the kernels.
///
/// About a quarter of the floats' memory; shared by all requests.
package final class QuantizedMatrix: @unchecked Sendable {
    // Invariant: written by the initialiser alone.
    package let columns: Int
    package let depth: Int
    private let packed: UnsafeMutableBufferPointer<Int8>
    private let sums: UnsafeMutableBufferPointer<Int32>
    private let scales: UnsafeMutableBufferPointer<Float>

    /// The deepest layer whose sums fit 32 bits whatever the codes.
    package static let maximumDepth = Int(INT8_MAXIMUM_DEPTH)

    /// - Parameter weight: `[out, in]`, finite, as PyTorch keeps it.
    package init(_ weight: Tensor) {
        precondition(weight.shape.count == 2 && weight.count > 0, "a linear layer's weights are no \(weight.shape)")
        let (columns, depth) = (weight.shape[0], weight.shape[1])
        precondition(depth <= Self.maximumDepth, "a depth of \(depth) may overflow the sums")
        (self.columns, self.depth) = (columns, depth)
        let bytes = int8_packed_size(columns, depth)
        // Panels begin at multiples of a cache line.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        packed = memory.bindMemory(to: Int8.self)
        sums = .allocate(capacity: columns)
        scales = .allocate(capacity: columns)
        let parts = Parts(packed: packed, sums: sums, scales: scales)
        let panel = Int(INT8_PANEL)
        Threads.forEach((columns + panel - 1) / panel) { index in
            int8_pack(
                parts.packed.baseAddress, parts.sums.baseAddress, parts.scales.baseAddress, weight.base, columns,
                depth, index * panel, min(columns, (index + 1) * panel))
        }
    }

    deinit {
        UnsafeMutableRawBufferPointer(packed).deallocate()
        sums.deallocate()
        scales.deallocate()
    }

    /// Where the panels' slices write.
    private struct Parts: @unchecked Sendable {
        // Invariant: slices write disjoint parts.
        let packed: UnsafeMutableBufferPointer<Int8>
        let sums: UnsafeMutableBufferPointer<Int32>
        let scales: UnsafeMutableBufferPointer<Float>
    }

    /// What becomes of a product: `out = activation(x Wᵀ + bias) + residual`.
    package struct Target {
        /// Rows of `columns` floats.
        let out: UnsafeMutablePointer<Float>
        let bias: UnsafePointer<Float>?
        /// Rows of `columns` floats; may be `out`.
        let residual: UnsafePointer<Float>?
        let activation: Activation

        package init(
            out: UnsafeMutablePointer<Float>, bias: UnsafePointer<Float>? = nil, residual: UnsafePointer<Float>? = nil,
            activation: Activation = .none
        ) {
            self.out = out
            self.bias = bias
            self.residual = residual
            self.activation = activation
        }
    }

    /// The product of the first `count` of `rows` with these weights, on this thread.
    package func multiply(_ rows: QuantizedRows, count: Int, into target: Target) {
        precondition(rows.depth == depth, "rows of \(rows.depth) by weights of \(depth)")
        var result = int8_result(
            out: target.out, out_stride: columns, bias: target.bias, residual: target.residual,
            residual_stride: columns, activation: Int32(target.activation.code))
        var weights = int8_weights(
            packed: packed.baseAddress, sums: sums.baseAddress, scales: scales.baseAddress, columns: columns,
            depth: depth)
        rows.withRows(count) { rows, kernels in kernels.product(&result, &rows, &weights) }
    }
}
