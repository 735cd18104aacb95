import CKernels

/// Activations as unsigned 8-bit codes, each row with a scale and a zero point of its own: `x ≈ scale (code - zero)`.
///
/// The scales are taken from the rows as they come (dynamic quantisation), so no calibration data is needed. A row that
/// holds a value which is not finite makes results that are not a number, as it would in floats.
package struct QuantizedRows {
    package let depth: Int
    private let padded: Int
    private let storage: Storage  // codes, and behind them scales and zeros
    private let kernels: Int8Kernels
    private let capacity: Int

    /// Room for `capacity` rows of `depth` values.
    package init(capacity: Int, depth: Int, kernels: Int8Kernels = .best) {
        self.depth = depth
        self.capacity = capacity
        self.kernels = kernels
        let group = Int(INT8_GROUP)
        padded = (depth + group - 1) / group * group
        storage = Storage(count: capacity * (padded / MemoryLayout<Float>.stride + 2))
    }

    private var codes: UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(storage.base).assumingMemoryBound(to: UInt8.self)
    }

    private var scales: UnsafeMutablePointer<Float> {
        storage.base + capacity * (padded / MemoryLayout<Float>.stride)
    }

    private var zeros: UnsafeMutablePointer<Int32> {
        UnsafeMutableRawPointer(scales + capacity).assumingMemoryBound(to: Int32.self)
    }

    /// Quantises `count` rows at `x`, `depth` floats each, as rows `first` and following.
    package func quantize(_ x: UnsafePointer<Float>, first: Int, count: Int) {
        precondition(first >= 0 && first + count <= capacity, "rows \(first)..<\(first + count) of \(capacity)")
        kernels.quantize(
            codes + first * padded, scales: scales + first, zeros: zeros + first, x, stride: depth, rows: count,
            columns: depth)
    }

    /// Calls `body` with the first `count` rows as the kernels take them, and the kernels.
    func withRows(_ count: Int, _ body: (inout int8_rows, Int8Kernels) -> Void) {
        precondition(count <= capacity, "\(count) rows of \(capacity)")
        var rows = int8_rows(codes: codes, scales: scales, zeros: zeros, rows: count)
        withExtendedLifetime(storage) { body(&rows, kernels) }
    }

    /// Row `index`: its codes, without padding, its scale, and the code of 0.
    package func row(_ index: Int) -> (codes: [UInt8], scale: Float, zero: Int) {
        precondition((0..<capacity).contains(index), "row \(index) of \(capacity)")
        return withExtendedLifetime(storage) {
            let row = UnsafeBufferPointer(start: codes + index * padded, count: depth)
            return (Array(row), scales[index], Int(zeros[index]))
        }
    }
}
