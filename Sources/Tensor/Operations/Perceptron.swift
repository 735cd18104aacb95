/// `gelu(x Aᵀ + a) Bᵀ + b + residual` over the last axis: the two layers of a transformer block's MLP.
///
/// With frozen weights one hidden layer is kept for the backward pass, and GELU and its derivative are applied to
/// tiles that are in cache: as operations of their own they read and write the largest tensor of a block four times more.
///
/// - Parameters:
///   - x: `[..., in]`.
///   - expand: A, `[hidden, in]`, and a, `[hidden]`.
///   - contract: B, `[out, hidden]`, and b, `[out]`.
///   - residual: `[..., out]`, whose shape is the result's.
/// - Returns: `[..., out]`.
package func perceptron(
    _ x: Value, expand: (weight: Value, bias: Value), contract: (weight: Value, bias: Value), residual: Value
) -> Value {
    let layers = [expand.weight, expand.bias, contract.weight, contract.bias]
    guard x.requiresGradient, !layers.contains(where: \.requiresGradient) else {
        let hidden = linear(x, weight: expand.weight, bias: expand.bias, activation: .gelu)
        return linear(hidden, weight: contract.weight, bias: contract.bias, residual: residual)
    }
    let (input, wide, narrow) = (x.tensor, expand.weight.tensor, contract.weight.tensor)
    let (shift, rest) = (expand.bias.tensor, residual.tensor)
    let (rows, depth) = input.matrix
    precondition(
        wide.shape.count == 2 && wide.shape[1] == depth && shift.shape == [wide.shape[0]],
        "a layer of \(wide.shape) and \(shift.shape) on \(input.shape)")
    let width = wide.shape[0]
    var hidden: Tensor?
    let before = Tensor.make([rows, width]) { kept in
        hidden = Tensor.make([rows, width]) { sink in
            MatrixProduct.parallel(
                sink.base, stride: width, rows: rows, columns: width, depth: depth,
                a: .init(input.base, stride: depth), b: .init(wide.base, stride: depth, isTransposed: true),
                finish: .init(bias: shift.base, activation: .gelu, before: (kept.base, width)))
        }
    }
    guard let hidden else { preconditionFailure("a layer that was not computed") }
    let output = linear(
        Value(hidden), weight: Value(narrow), bias: Value(contract.bias.tensor), residual: Value(rest)
    ).tensor.reshaped(rest.shape)
    let columns = narrow.shape[0]
    let isResidualNeeded = residual.requiresGradient
    return .operation(output, inputs: [x, residual]) { gradient in
        let hiddenGradient = Tensor.make([rows, width]) { sink in
            MatrixProduct.parallel(
                sink.base, stride: width, rows: rows, columns: width, depth: columns,
                a: .init(gradient.base, stride: columns), b: .init(narrow.base, stride: width),
                finish: .init(slope: (before.base, width)))
        }
        let inputGradient = Tensor.make(input.shape) { sink in
            MatrixProduct.parallel(
                sink.base, stride: depth, rows: rows, columns: depth, depth: width,
                a: .init(hiddenGradient.base, stride: width), b: .init(wide.base, stride: depth))
        }
        return [inputGradient, isResidualNeeded ? gradient.reshaped(rest.shape) : nil]
    }
}
