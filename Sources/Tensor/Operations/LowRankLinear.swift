/// `x (W + factor · up · down)ᵀ + b` over the last axis: a frozen layer with a low-rank update under training (Hu et al. 2021).
///
/// The weight with its update is made for this product and gone after it, and once more for the backward pass: a
/// thousandth of the work of applying it. Applied to the tokens instead, the update costs one pass over a layer's output
/// forwards, and three backwards.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`; it gets no gradient. Nor does `bias`, `[out]`.
///   - down: `[r, in]`, `up`: `[out, r]`.
/// - Returns: `[..., out]`.
package func lowRankLinear(
    _ x: Value, weight: Tensor, bias: Tensor, down: Value, up: Value, factor: Float
) -> Value {
    let (input, reduction, expansion) = (x.tensor, down.tensor, up.tensor)
    let (rows, depth) = input.matrix
    let (columns, rank) = (weight.shape[0], reduction.shape[0])
    precondition(
        weight.shape == [columns, depth] && reduction.shape == [rank, depth] && expansion.shape == [columns, rank],
        "an update \(expansion.shape) by \(reduction.shape) of \(weight.shape) on \(input.shape)")
    let output = linear(
        Value(input), weight: Value(updated(weight, by: factor, expansion, reduction)), bias: Value(bias)
    ).tensor
    let needed = (x: x.requiresGradient, down: down.requiresGradient, up: up.requiresGradient)
    return .operation(output, inputs: [x, down, up]) { gradient in
        var results: [Tensor?] = [nil, nil, nil]
        if needed.x {
            let full = updated(weight, by: factor, expansion, reduction)
            results[0] = product(gradient, [rows, columns], full, [columns, depth]).reshaped(input.shape)
        }
        if needed.down {
            let reduced = product(gradient, [rows, columns], expansion, [columns, rank])
            results[1] = product(reduced, [rows, rank], input, [rows, depth], leftIsTransposed: true, by: factor)
        }
        if needed.up {
            let reduced = linear(Value(input), weight: Value(reduction), bias: nil).tensor
            results[2] = product(gradient, [rows, columns], reduced, [rows, rank], leftIsTransposed: true, by: factor)
        }
        return results
    }
}

/// `weight + factor · up · down`; zeros change no bit of the weight.
private func updated(_ weight: Tensor, by factor: Float, _ up: Tensor, _ down: Tensor) -> Tensor {
    let (rows, columns) = weight.matrix
    let rank = down.shape[0]
    return Tensor.make(weight.shape) { sink in
        Threads.forEachSlice(of: rows, minimum: Grain.rows(of: columns * (rank + 1))) { range in
            for row in range {
                let out = sink + row * columns
                out.update(from: weight.base + row * columns, count: columns)
                for part in 0..<rank {
                    Kernels.best.addScaled(
                        out, down.base + part * columns, by: factor * up.base[row * rank + part], columns)
                }
            }
        }
    }
}

/// `factor · a b`, or `factor · aᵀ b`, of two matrices of the shapes given.
private func product(
    _ a: Tensor, _ aShape: [Int], _ b: Tensor, _ bShape: [Int], leftIsTransposed: Bool = false, by factor: Float = 1
) -> Tensor {
    let (rows, depth) = leftIsTransposed ? (aShape[1], aShape[0]) : (aShape[0], aShape[1])
    precondition(depth == bShape[0], "a product of \(aShape) and \(bShape)")
    return Tensor.make([rows, bShape[1]]) { sink in
        MatrixProduct.parallel(
            sink.base, stride: bShape[1], rows: rows, columns: bShape[1], depth: depth,
            a: .init(a.base, stride: aShape[1], isTransposed: leftIsTransposed), b: .init(b.base, stride: bShape[1]))
        if factor != 1 { Kernels.best.scale(sink.base, sink.base, by: factor, rows * bShape[1]) }
    }
}
