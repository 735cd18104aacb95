/// `a + b`; either may be broadcast over leading axes, its own leading ones ignored.
package func add(_ a: Value, _ b: Value) -> Value {
    guard a.tensor.count >= b.tensor.count else { return add(b, a) }
    let repeats = Broadcast(of: b.tensor, over: a.tensor)
    let (aShape, bNeeded) = (a.shape, b.requiresGradient)
    let sum = repeats.combine(a.tensor, b.tensor) { Kernels.best.add($0, $1, $2, $3) }
    return .operation(sum, inputs: [a, b]) { gradient in
        [gradient.reshaped(aShape), bNeeded ? repeats.sum(gradient) : nil]
    }
}

/// `a - b`, broadcast like `add`.
package func subtract(_ a: Value, _ b: Value) -> Value {
    guard a.tensor.count >= b.tensor.count else { return add(a, scale(b, by: -1)) }
    let repeats = Broadcast(of: b.tensor, over: a.tensor)
    let (aShape, bNeeded) = (a.shape, b.requiresGradient)
    let difference = repeats.combine(a.tensor, b.tensor) { Kernels.best.subtract($0, $1, $2, $3) }
    return .operation(difference, inputs: [a, b]) { gradient in
        [gradient.reshaped(aShape), bNeeded ? scaled(repeats.sum(gradient), by: -1) : nil]
    }
}

/// `a * b` by elements, broadcast like `add`.
package func multiply(_ a: Value, _ b: Value) -> Value {
    guard a.tensor.count >= b.tensor.count else { return multiply(b, a) }
    let repeats = Broadcast(of: b.tensor, over: a.tensor)
    let (aTensor, bTensor, aNeeded, bNeeded) = (a.tensor, b.tensor, a.requiresGradient, b.requiresGradient)
    let product = repeats.combine(aTensor, bTensor) { Kernels.best.multiply($0, $1, $2, $3) }
    return .operation(product, inputs: [a, b]) { gradient in
        let byA = aNeeded ? repeats.combine(gradient, bTensor) { Kernels.best.multiply($0, $1, $2, $3) } : nil
        guard bNeeded else { return [byA, nil] }
        let full = Tensor.elementwise(aTensor.shape) { sink, range in
            let start = range.lowerBound
            Kernels.best.multiply(sink + start, gradient.base + start, aTensor.base + start, range.count)
        }
        return [byA, repeats.sum(full)]
    }
}

package func scale(_ x: Value, by factor: Float) -> Value {
    .operation(scaled(x.tensor, by: factor), inputs: [x]) { [scaled($0, by: factor)] }
}

extension Value {
    package static func + (a: Value, b: Value) -> Value { add(a, b) }
    package static func - (a: Value, b: Value) -> Value { subtract(a, b) }
    package static func * (a: Value, b: Value) -> Value { multiply(a, b) }

    package func reshaped(_ shape: [Int]) -> Value {
        let before = self.shape
        return .operation(tensor.reshaped(shape), inputs: [self]) { [$0.reshaped(before)] }
    }

    /// The sum of all elements, a scalar; summed in double precision by blocks.
    package func sum() -> Value {
        let shape = self.shape
        let total = Kernels.best.sum(tensor.base, tensor.count)
        return .operation(Tensor(Float(total)), inputs: [self]) { [Tensor(filled: $0.scalar, shape: shape)] }
    }
}

private func scaled(_ x: Tensor, by factor: Float) -> Tensor {
    .elementwise(x.shape) { sink, range in
        Kernels.best.scale(sink + range.lowerBound, x.base + range.lowerBound, by: factor, range.count)
    }
}

/// How a smaller operand repeats over the rows of a larger one.
private struct Broadcast: Sendable {
    let shape: [Int]  // of the smaller
    let rows: Int, columns: Int

    init(of small: Tensor, over large: Tensor) {
        let core = small.shape.drop { $0 == 1 }
        precondition(
            large.shape.suffix(core.count).elementsEqual(core), "cannot broadcast \(small.shape) over \(large.shape)")
        shape = small.shape
        columns = small.count
        rows = columns == 0 ? 0 : large.count / columns
    }

    func combine(
        _ large: Tensor, _ small: Tensor,
        _ kernel: @Sendable (UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, Int) -> Void
    ) -> Tensor {
        if rows == 1 {
            return .elementwise(large.shape) { sink, range in
                let start = range.lowerBound
                kernel(sink + start, large.base + start, small.base + start, range.count)
            }
        }
        return .make(large.shape) { sink in
            Threads.forEachSlice(of: rows, minimum: Grain.rows(of: columns)) { range in
                for row in range { kernel(sink + row * columns, large.base + row * columns, small.base, columns) }
            }
        }
    }

    /// The gradient of the smaller from that of the result: the sum over its repetitions.
    func sum(_ gradient: Tensor) -> Tensor {
        if rows == 1 { return gradient.reshaped(shape) }
        return columnSums(gradient, rows: rows, columns: columns).reshaped(shape)
    }
}

/// Sums of the columns of `x` read as `[rows, columns]`; shape `[columns]`.
///
/// Slices have sums of their own, added in order: the result does not depend on the threads.
func columnSums(_ x: Tensor, rows: Int, columns: Int) -> Tensor {
    let pieces = min(16, rows / Grain.rows(of: columns) + 1)
    let size = (rows + pieces - 1) / pieces
    let partial = Tensor.makeFromZeros([pieces, columns]) { sink in
        Threads.forEach(pieces) { piece in
            let range = min(rows, piece * size)..<min(rows, (piece + 1) * size)
            Kernels.best.addColumnSums(
                sink + piece * columns, x.base + range.lowerBound * columns, rows: range.count, columns: columns)
        }
    }
    if pieces == 1 { return partial.reshaped([columns]) }
    return Tensor.makeFromZeros([columns]) { sink in
        Kernels.best.addColumnSums(sink.base, partial.base, rows: pieces, columns: columns)
    }
}
