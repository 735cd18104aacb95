/// The linear layers of a transformer block on 8-bit codes, for inference: each slice of rows goes through all of them
/// while it is in cache, so that neither the normed rows nor the hidden ones of the MLP are ever written out.
package enum QuantizedLayers {
    /// Layer norm's weight and bias, `[C]` each.
    package struct Norm: Sendable {
        let weight, bias: Tensor
        let epsilon: Float

        package init(weight: Tensor, bias: Tensor, epsilon: Float) {
            self.weight = weight
            self.bias = bias
            self.epsilon = epsilon
        }
    }

    /// A linear layer.
    package struct Linear: Sendable {
        let matrix: QuantizedMatrix
        /// `[out]`.
        package let bias: Tensor

        package init(_ matrix: QuantizedMatrix, bias: Tensor) {
            precondition(bias.shape == [matrix.columns], "bias \(bias.shape) for \(matrix.columns) columns")
            self.matrix = matrix
            self.bias = bias
        }
    }

    /// A low-rank update in floats beside a layer: `scale · up (down x)`.
    package struct Update: Sendable {
        let down: Tensor  // [r, in]
        let up: Tensor  // [out, r]
        let scale: Float

        package init(down: Tensor, up: Tensor, scale: Float) {
            self.down = down
            self.up = up
            self.scale = scale
        }
    }

    /// Rows that go through at once: enough to use a panel of weights from cache many times, few enough for theirs to
    /// stay there.
    private static let sliceRows = 96
    /// Rows normed before they are quantised: they stay in the first-level cache.
    private static let normedRows = 8

    /// `layer(norm(x)) + update(norm(x))` for each of `layers`.
    ///
    /// - Parameters:
    ///   - x: `[..., C]`.
    ///   - updates: One for each layer, or nil.
    /// - Returns: One `[..., out]` a layer.
    package static func project(
        _ x: Tensor, norm: Norm, layers: [Linear], updates: [Update?], kernels: Int8Kernels = .best
    ) -> [Tensor] {
        let (rows, depth) = x.matrix
        precondition(layers.count == updates.count, "\(updates.count) updates for \(layers.count) layers")
        let outputs = layers.map { ($0, Storage(count: rows * $0.matrix.columns)) }
        let keepsNormed = updates.contains { $0 != nil }
        Threads.forEachSlice(of: rows, minimum: sliceRows, pieces: rows) { range in
            let codes = QuantizedRows(capacity: range.count, depth: depth, kernels: kernels)
            let step = keepsNormed ? range.count : normedRows
            withScratch(step * depth) { normed in
                for first in stride(from: 0, to: range.count, by: step) {
                    let count = min(step, range.count - first)
                    norm(x.base + (range.lowerBound + first) * depth, into: normed, rows: count)
                    codes.quantize(normed, first: first, count: count)
                }
                for ((layer, output), update) in zip(outputs, updates) {
                    let out = output.base + range.lowerBound * layer.matrix.columns
                    multiply(codes, count: range.count, layer, into: out, update: update, normed: normed)
                }
            }
        }
        return outputs.map { layer, output in
            Tensor(shape: x.shape.dropLast() + [layer.matrix.columns], borrowing: output.base, from: output)
        }
    }

    private static func multiply(
        _ codes: QuantizedRows, count: Int, _ layer: Linear, into out: UnsafeMutablePointer<Float>, update: Update?,
        normed: UnsafePointer<Float>
    ) {
        guard let update else {
            return layer.matrix.multiply(codes, count: count, into: .init(out: out, bias: layer.bias.base))
        }
        let (rank, columns) = (update.down.shape[0], layer.matrix.columns)
        withScratch(count * (columns + rank)) { scratch in
            let low = scratch + count * columns
            MatrixProduct.slice(
                low, stride: rank, rows: count, columns: rank, depth: codes.depth,
                a: .init(normed, stride: codes.depth),
                b: .init(update.down.base, stride: codes.depth, isTransposed: true))
            Kernels.best.scale(low, low, by: update.scale, count * rank)
            MatrixProduct.slice(
                scratch, stride: columns, rows: count, columns: columns, depth: rank, a: .init(low, stride: rank),
                b: .init(update.up.base, stride: rank, isTransposed: true))
            layer.matrix.multiply(
                codes, count: count, into: .init(out: out, bias: layer.bias.base, residual: scratch))
        }
    }

    /// What follows attention in a block: `y = x + output(mixed)`, then `y + contract(gelu(expand(norm(y))))`.
    ///
    /// - Parameters:
    ///   - x: `[..., C]`, the residual stream.
    ///   - mixed: As `x`, what attention made.
    /// - Returns: As `x`.
    package static func finishBlock(
        _ x: Tensor, mixed: Tensor, output: Linear, norm: Norm, expand: Linear, contract: Linear,
        kernels: Int8Kernels = .best
    ) -> Tensor {
        let (rows, width) = x.matrix
        let hidden = expand.matrix.columns
        precondition(mixed.matrix == (rows, width), "attention made \(mixed.shape) of \(x.shape)")
        return Tensor.make(x.shape) { sink in
            Threads.forEachSlice(of: rows, minimum: sliceRows, pieces: rows) { range in
                let narrow = QuantizedRows(capacity: range.count, depth: width, kernels: kernels)
                let wide = QuantizedRows(capacity: range.count, depth: hidden, kernels: kernels)
                narrow.quantize(mixed.base + range.lowerBound * width, first: 0, count: range.count)
                let y = sink + range.lowerBound * width
                output.matrix.multiply(
                    narrow, count: range.count,
                    into: .init(out: y, bias: output.bias.base, residual: x.base + range.lowerBound * width))
                withScratch(range.count * hidden + normedRows * width) { scratch in
                    let normed = scratch + range.count * hidden
                    for first in stride(from: 0, to: range.count, by: normedRows) {
                        let count = min(normedRows, range.count - first)
                        norm(y + first * width, into: normed, rows: count)
                        narrow.quantize(normed, first: first, count: count)
                    }
                    expand.matrix.multiply(
                        narrow, count: range.count, into: .init(out: scratch, bias: expand.bias.base, activation: .gelu)
                    )
                    wide.quantize(scratch, first: 0, count: range.count)
                    contract.matrix.multiply(
                        wide, count: range.count, into: .init(out: y, bias: contract.bias.base, residual: y))
                }
            }
        }
    }
}

extension QuantizedLayers.Norm {
    fileprivate func callAsFunction(_ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>, rows: Int) {
        Kernels.best.layerNorm(
            out, mean: nil, reciprocalDeviation: nil, x, weight: weight.base, bias: bias.base, rows: rows,
            columns: weight.count, epsilon: epsilon)
    }
}
