/// Layer normalisation over the last axis (Ba, Kiros & Hinton 2016): `(x - mean) / sqrt(variance + epsilon)`, then
/// `weight` and `bias`, both `[C]`. The variance is the biased one.
package func layerNorm(_ x: Value, weight: Value, bias: Value, epsilon: Float) -> Value {
    let (input, scale, shift) = (x.tensor, weight.tensor, bias.tensor)
    let (rows, columns) = input.matrix
    precondition(scale.shape == [columns] && shift.shape == [columns], "layer norm of \(input.shape) by \(scale.shape)")
    let isRecorded = x.requiresGradient || weight.requiresGradient || bias.requiresGradient
    // [2, rows]: means, then reciprocal deviations
    let statistics = isRecorded ? Storage(count: 2 * rows) : nil
    let moments = statistics.map { Sink(base: $0.base) }
    let output = Tensor.make(input.shape) { sink in
        Threads.forEachSlice(of: rows, minimum: Grain.rows(of: columns)) { range in
            let start = range.lowerBound
            Kernels.best.layerNorm(
                sink + start * columns, mean: moments.map { $0 + start },
                reciprocalDeviation: moments.map { $0 + (rows + start) }, input.base + start * columns,
                weight: scale.base, bias: shift.base, rows: range.count, columns: columns, epsilon: epsilon)
        }
    }
    guard let statistics else { return Value(output) }
    let needed = (x: x.requiresGradient, weight: weight.requiresGradient, bias: bias.requiresGradient)
    return .operation(output, inputs: [x, weight, bias]) { gradient in
        let mean = UnsafePointer(statistics.base)
        let source = Statistics(mean: mean, reciprocalDeviation: mean + rows, storage: statistics)
        return layerNormGradients(
            input, weight: scale, source, gradient, rows: rows, columns: columns, needed: needed)
    }
}

private struct Statistics: @unchecked Sendable {
    // Invariant: `storage` owns what the pointers show, and is no longer written.
    let mean, reciprocalDeviation: UnsafePointer<Float>
    let storage: Storage
}

private func layerNormGradients(
    _ input: Tensor, weight: Tensor, _ statistics: Statistics, _ gradient: Tensor, rows: Int, columns: Int,
    needed: (x: Bool, weight: Bool, bias: Bool)
) -> [Tensor?] {
    // Slices sum into rows of their own, added in order afterwards.
    let pieces = min(16, rows / Grain.rows(of: columns) + 1)
    let size = (rows + pieces - 1) / pieces
    let partialWeights = needed.weight ? Storage(zeroed: pieces * columns) : nil
    let partialBiases = needed.bias ? Storage(zeroed: pieces * columns) : nil
    let (weightSums, biasSums) = (partialWeights.map { Sink(base: $0.base) }, partialBiases.map { Sink(base: $0.base) })
    @Sendable func run(_ sink: Sink?) {
        Threads.forEach(pieces) { piece in
            let start = min(rows, piece * size)
            let count = min(rows, (piece + 1) * size) - start
            Kernels.best.layerNormBackward(
                sink.map { $0 + start * columns }, weightGradient: weightSums.map { $0 + piece * columns },
                biasGradient: biasSums.map { $0 + piece * columns }, x: input.base + start * columns,
                weight: weight.base, mean: statistics.mean + start,
                reciprocalDeviation: statistics.reciprocalDeviation + start, gradient.base + start * columns,
                rows: count, columns: columns)
        }
    }
    var result: Tensor?
    if needed.x { result = Tensor.make(input.shape) { run($0) } } else { run(nil) }
    func total(_ partial: Storage?) -> Tensor? {
        partial.map { partial in
            Tensor.makeFromZeros([columns]) { sink in
                Kernels.best.addColumnSums(sink.base, UnsafePointer(partial.base), rows: pieces, columns: columns)
            }
        }
    }
    return [result, total(partialWeights), total(partialBiases)]
}
