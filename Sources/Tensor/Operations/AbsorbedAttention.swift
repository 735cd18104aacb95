/// Multi-head attention between a few tokens and many image positions, without projecting the positions.
///
/// A score `(W_q x) · (W_k y)` is `x · (W_qᵀ W_k y)`: for a few tokens y it is cheaper to carry each token through both
/// projections, once for each head, and to take its products with the bare x. The same holds for values and the output
/// projection. With t tokens and h heads a position then costs `2 h t C` multiply-adds in place of `2 C I` and more.
///
/// For inference: nothing is recorded. t tokens, T positions, C channels, I inner channels.
package struct AbsorbedAttention: Sendable {
    package struct Projection: Sendable {
        let weight, bias: Tensor

        /// - Parameters:
        ///   - weight: `[I, C]`, the output's `[C, I]`.
        ///   - bias: `[I]`, the output's `[C]`.
        package init(weight: Tensor, bias: Tensor) {
            self.weight = weight
            self.bias = bias
        }
    }

    let heads, inner, channels, depth: Int
    let query, key, value, output: Projection

    package init(heads: Int, query: Projection, key: Projection, value: Projection, output: Projection) {
        (inner, channels) = (query.weight.shape[0], query.weight.shape[1])
        precondition(
            key.weight.shape == [inner, channels] && value.weight.shape == [inner, channels]
                && output.weight.shape == [channels, inner] && inner.isMultiple(of: heads),
            "projections \(query.weight.shape), \(key.weight.shape), \(output.weight.shape) for \(heads) heads")
        self.heads = heads
        depth = inner / heads
        (self.query, self.key, self.value, self.output) = (query, key, value, output)
    }

    /// Whether this is less work than projecting the positions.
    package func pays(tokens: Int) -> Bool { heads * tokens < inner }

    /// Tokens ask of the image: `[1, t, C]` of `[1, T, C]`.
    ///
    /// - Returns: `[1, t, C]`, projected.
    package func ofFew(q: Tensor, k: Tensor, v: Tensor) -> Tensor {
        let (tokens, asked) = (q.shape[1], project(q, query))
        // [heads * t, C]: what each token asks of bare positions. Their key bias adds the same to all scores of a row.
        let absorbed = Tensor.make([1, heads * tokens, channels]) { sink in
            for head in 0..<heads {
                MatrixProduct.slice(
                    sink + head * tokens * channels, stride: channels, rows: tokens, columns: channels, depth: depth,
                    a: .init(asked.base + head * depth, stride: inner), b: rows(of: key, head))
            }
            // The attention below divides by the square root of its own depth, C.
            let factor = (Float(channels) / Float(depth)).squareRoot()
            Kernels.best.scale(sink.base, UnsafePointer(sink.base), by: factor, heads * tokens * channels)
        }
        let means = attention(q: Value(absorbed), k: Value(k), v: Value(v), heads: 1).tensor
        let values = Tensor.make([tokens, inner]) { sink in
            for head in 0..<heads {
                MatrixProduct.slice(
                    sink + head * depth, stride: inner, rows: tokens, columns: depth, depth: channels,
                    a: .init(means.base + head * tokens * channels, stride: channels),
                    b: .init(value.weight.base + head * depth * channels, stride: channels, isTransposed: true))
            }
            // Weights that sum to one pass the bias on as it is.
            for token in 0..<tokens {
                let row = sink + token * inner
                Kernels.best.add(row, UnsafePointer(row), value.bias.base, inner)
            }
        }
        return project(values.reshaped([1, tokens, inner]), output)
    }

    /// The image asks of tokens: `[1, T, C]` of `[1, t, C]`.
    ///
    /// - Parameter residual: `[1, T, C]`, added to the result.
    /// - Returns: `[1, T, C]`, projected.
    package func ofMany(q: Tensor, k: Tensor, v: Tensor, residual: Tensor) -> Tensor {
        let (tokens, positions) = (k.shape[1], q.shape[1])
        let (keys, values) = (project(k, key), project(v, value))
        let width = tokens * heads
        let scale = 1 / Float(depth).squareRoot()
        // Token by token, a row for each head: [t * heads, C], and what the query bias adds to the scores.
        let asked = Tensor.make([width, channels]) { sink in
            absorb(keys, rows: { rows(of: query, $0) }, into: sink, columns: channels)
            Kernels.best.scale(sink.base, UnsafePointer(sink.base), by: scale, width * channels)
        }
        let constants = Tensor.make([width]) { sink in
            absorb(keys, rows: { .init(query.bias.base + $0 * depth, stride: 1) }, into: sink, columns: 1)
            Kernels.best.scale(sink.base, UnsafePointer(sink.base), by: scale, width)
        }
        let answers = Tensor.make([width, channels]) { sink in
            absorb(
                values, rows: { .init(output.weight.base + $0 * depth, stride: inner, isTransposed: true) },
                into: sink, columns: channels)
        }
        let weights = Tensor.make([positions, width]) { sink in
            MatrixProduct.parallel(
                sink.base, stride: width, rows: positions, columns: width, depth: channels,
                a: .init(q.base, stride: channels), b: .init(asked.base, stride: channels, isTransposed: true),
                finish: .init(bias: constants.base))
            Threads.forEachSlice(of: positions, minimum: Grain.rows(of: width)) { range in
                Kernels.best.softmaxGroups(
                    sink + range.lowerBound * width, rows: range.count, groups: tokens, width: heads)
            }
        }
        return Tensor.make([1, positions, channels]) { sink in
            MatrixProduct.parallel(
                sink.base, stride: channels, rows: positions, columns: channels, depth: width,
                a: .init(weights.base, stride: width), b: .init(answers.base, stride: channels),
                finish: .init(bias: output.bias.base, residual: (residual.base, channels)))
        }
    }

    /// The part of a projection's weight that one head has, `[depth, C]`.
    private func rows(of projection: Projection, _ head: Int) -> MatrixProduct.Operand {
        .init(projection.weight.base + head * depth * channels, stride: channels)
    }

    /// Row `token * heads + head` of the result is that head's part of the token times the head's matrix `rows`,
    /// `[depth, columns]`.
    private func absorb(
        _ projected: Tensor, rows: (Int) -> MatrixProduct.Operand, into sink: Sink, columns: Int
    ) {
        for head in 0..<heads {
            MatrixProduct.slice(
                sink + head * columns, stride: heads * columns, rows: projected.shape[1], columns: columns,
                depth: depth, a: .init(projected.base + head * depth, stride: inner), b: rows(head))
        }
    }

    private func project(_ x: Tensor, _ projection: Projection) -> Tensor {
        linear(Value(x), weight: Value(projection.weight), bias: Value(projection.bias)).tensor
    }
}
