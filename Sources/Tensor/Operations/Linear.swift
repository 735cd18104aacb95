/// `activation(x Wᵀ + b) + residual` over the last axis.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`, as PyTorch keeps it.
///   - bias: `[out]`.
///   - residual: `[..., out]`, of as many elements as the result.
/// - Returns: `[..., out]`.
package func linear(
    _ x: Value, weight: Value, bias: Value?, activation: Activation = .none, residual: Value? = nil
) -> Value {
    let inputs = [x, weight, bias, residual]
    if activation != .none, inputs.contains(where: { $0?.requiresGradient ?? false }) {
        // The derivative of the activation needs what came before it.
        let before = linear(x, weight: weight, bias: bias)
        let after = activation == .gelu ? gelu(before) : relu(before)
        return residual.map { after + $0 } ?? after
    }
    let (input, weights) = (x.tensor, weight.tensor)
    let (rows, depth) = input.matrix
    precondition(
        weights.shape.count == 2 && weights.shape[1] == depth, "linear of \(input.shape) by \(weights.shape)")
    let columns = weights.shape[0]
    precondition(bias.map { $0.shape == [columns] } ?? true, "bias \(bias?.shape ?? []) for \(columns) columns")
    precondition(
        residual.map { $0.tensor.count == rows * columns } ?? true,
        "residual \(residual?.shape ?? []) for \(rows) x \(columns)")
    let (shift, rest) = (bias?.tensor, residual?.tensor)
    let output = Tensor.make(input.shape.dropLast() + [columns]) { sink in
        MatrixProduct.parallel(
            sink.base, stride: columns, rows: rows, columns: columns, depth: depth,
            a: .init(input.base, stride: depth), b: .init(weights.base, stride: depth, isTransposed: true),
            finish: .init(bias: shift?.base, activation: activation, residual: rest.map { ($0.base, columns) }))
    }
    let present = inputs.compactMap { $0 }
    guard present.contains(where: \.requiresGradient) else { return Value(output) }
    let (inputShape, restShape) = (input.shape, rest?.shape)
    let needed = inputs.map { $0?.requiresGradient ?? false }
    let hasBias = bias != nil
    // Only the weight's gradient asks for the input: beneath frozen weights it need not be kept.
    let kept = needed[1] ? input : nil
    return .operation(output, inputs: present) { gradient in
        var results: [Tensor?] = [nil, nil]
        if needed[0] {
            results[0] = Tensor.make(inputShape) { sink in
                MatrixProduct.parallel(
                    sink.base, stride: depth, rows: rows, columns: depth, depth: columns,
                    a: .init(gradient.base, stride: columns), b: .init(weights.base, stride: depth))
            }
        }
        if let kept {
            results[1] = Tensor.make(weights.shape) { sink in
                MatrixProduct.parallel(
                    sink.base, stride: depth, rows: columns, columns: depth, depth: rows,
                    a: .init(gradient.base, stride: columns, isTransposed: true), b: .init(kept.base, stride: depth))
            }
        }
        if hasBias { results.append(needed[2] ? columnSums(gradient, rows: rows, columns: columns) : nil) }
        if let restShape { results.append(needed[3] ? gradient.reshaped(restShape) : nil) }
        return results
    }
}

/// `a bᵀ` for each of a batch: `[B, M, K]` and `[B, N, K]` give `[B, M, N]`.
package func matmulTransposed(_ a: Value, _ b: Value) -> Value {
    let (left, right) = (a.tensor, b.tensor)
    precondition(
        left.shape.count == 3 && right.shape.count == 3 && left.shape[0] == right.shape[0]
            && left.shape[2] == right.shape[2], "product of \(left.shape) with the transpose of \(right.shape)")
    let (batch, rows, columns, depth) = (left.shape[0], left.shape[1], right.shape[1], left.shape[2])
    let output = batched(
        [batch, rows, columns], depth: depth, left, right, aTransposed: false, bTransposed: true)
    let (leftNeeded, rightNeeded) = (a.requiresGradient, b.requiresGradient)
    return .operation(output, inputs: [a, b]) { gradient in
        [
            leftNeeded
                ? batched(left.shape, depth: columns, gradient, right, aTransposed: false, bTransposed: false) : nil,
            rightNeeded
                ? batched(right.shape, depth: rows, gradient, left, aTransposed: true, bTransposed: false) : nil,
        ]
    }
}

/// The products `a b` of a batch of stored matrices, each transposed or not.
private func batched(
    _ shape: [Int], depth: Int, _ a: Tensor, _ b: Tensor, aTransposed: Bool, bTransposed: Bool
) -> Tensor {
    let (batch, rows, columns) = (shape[0], shape[1], shape[2])
    let (aStride, bStride) = (a.shape[2], b.shape[2])
    return Tensor.make(shape) { sink in
        if batch == 1 {
            MatrixProduct.parallel(
                sink.base, stride: columns, rows: rows, columns: columns, depth: depth,
                a: .init(a.base, stride: aStride, isTransposed: aTransposed),
                b: .init(b.base, stride: bStride, isTransposed: bTransposed))
            return
        }
        Threads.forEach(batch) { index in
            MatrixProduct.slice(
                sink + index * rows * columns, stride: columns, rows: rows, columns: columns, depth: depth,
                a: .init(a.base + index * rows * depth, stride: aStride, isTransposed: aTransposed),
                b: .init(b.base + index * columns * depth, stride: bStride, isTransposed: bTransposed))
        }
    }
}
