import Glibc

/// Multi-head attention, `softmax(q kᵀ / √D) v` for each head of `D = C / heads` channels (Vaswani et al. 2017).
///
/// Never holds a queries × keys matrix, in neither pass.
///
/// - Parameters:
///   - q: `[B, Tq, C]`, heads side by side along the channels.
///   - k: `[B, Tk, C]`, or `[1, Tk, C]` when all of the batch ask of the same keys.
///   - v: `[B, Tk, Cv]`, or `[1, Tk, Cv]`.
/// - Returns: `[B, Tq, Cv]`.
package func attention(q: Value, k: Value, v: Value, heads: Int) -> Value {
    if q.shape.count == 3, q.shape[0] > 1, k.shape.first == 1, v.shape.first == 1 {
        // Queries do not see each other: those of the same keys may stand in one row.
        let row = q.reshaped([1, q.shape[0] * q.shape[1], q.shape[2]])
        let output = attention(q: row, k: k, v: v, heads: heads)
        return output.reshaped([q.shape[0], q.shape[1], output.shape[2]])
    }
    let plan = AttentionPlan(
        q: .init(q.tensor), k: .init(k.tensor), v: .init(v.tensor), heads: heads, positions: nil)
    let needed = [q, k, v].contains(where: \.requiresGradient)
    let (output, logSums) = plan.forward(keepingLogSums: needed)
    return .operation(output, inputs: [q, k, v]) { gradient in
        guard let logSums else { return [nil, nil, nil] }
        let gradients = plan.backward(gradient, output: output, logSums: logSums, tables: false)
        return [gradients.q, gradients.k, gradients.v]
    }
}

/// Attention with decomposed relative positions (Li et al., MViTv2, 2022, section 4.1; SAM's `add_decomposed_rel_pos`).
///
/// The score of query (y, x) against key (j, i) gains `q · relH[y - j + h - 1] + q · relW[x - i + w - 1]` with the
/// *unscaled* query, after the scaling of `q · k`.
///
/// - Parameters:
///   - q: `[N, h * w, C]`, as are `k` and `v`; N images or windows.
///   - relH: `[2h - 1, C / heads]`, shared by the heads; `relW`: `[2w - 1, C / heads]`.
package func relativePositionAttention(
    q: Value, k: Value, v: Value, relH: Value, relW: Value, heads: Int, height: Int, width: Int
) -> Value {
    let positions = AttentionPlan.Positions(heights: relH.tensor, widths: relW.tensor, height: height, width: width)
    let plan = AttentionPlan(
        q: .init(q.tensor), k: .init(k.tensor), v: .init(v.tensor), heads: heads,
        positions: positions)
    let needed = [q, k, v, relH, relW].contains(where: \.requiresGradient)
    let tables = relH.requiresGradient || relW.requiresGradient
    let (output, logSums) = plan.forward(keepingLogSums: needed)
    return .operation(output, inputs: [q, k, v, relH, relW]) { gradient in
        guard let logSums else { return [nil, nil, nil, nil, nil] }
        let gradients = plan.backward(gradient, output: output, logSums: logSums, tables: tables)
        return [gradients.q, gradients.k, gradients.v, gradients.heights, gradients.widths]
    }
}

/// One operand, its tokens `channels` floats apart.
private struct AttentionOperand: Sendable {
    let tensor: Tensor
    let batch, tokens, channels: Int

    init(_ tensor: Tensor) {
        precondition(tensor.shape.count == 3, "attention takes [B, T, C], not \(tensor.shape)")
        self.tensor = tensor
        (batch, tokens, channels) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
    }

    /// Floats from the start of the tensor to the first channel of head `head` of token `token`.
    func position(batch index: Int, token: Int, head: Int, depth: Int) -> Int {
        (index * tokens + token) * channels + head * depth
    }
}

/// One attention over a batch, cut into units of a head and a part of its queries.
private struct AttentionPlan: Sendable {
    struct Positions: Sendable {
        let heights, widths: Tensor
        let height, width: Int
    }

    struct Gradients {
        var q: Tensor
        var k, v: Tensor?
        var heights, widths: Tensor?
    }

    let q, k, v: AttentionOperand
    let heads: Int
    let positions: Positions?
    let depth, valueDepth: Int
    let scale: Float

    init(q: AttentionOperand, k: AttentionOperand, v: AttentionOperand, heads: Int, positions: Positions?) {
        precondition(
            heads > 0 && q.channels.isMultiple(of: heads) && v.channels.isMultiple(of: heads) && q.channels > 0,
            "\(q.channels) channels do not make \(heads) heads")
        precondition(
            k.channels == q.channels && k.tokens == v.tokens && k.batch == q.batch && v.batch == q.batch
                && k.tokens > 0,
            "attention of \(q.tensor.shape) over \(k.tensor.shape) and \(v.tensor.shape)")
        depth = q.channels / heads
        valueDepth = v.channels / heads
        if let positions {
            let (height, width) = (positions.height, positions.width)
            precondition(
                q.tokens == height * width && k.tokens == q.tokens, "\(q.tokens) tokens are not \(height) x \(width)")
            precondition(
                positions.heights.shape == [2 * height - 1, depth] && positions.widths.shape == [2 * width - 1, depth],
                "tables \(positions.heights.shape) and \(positions.widths.shape) for \(height) x \(width)")
        }
        self.q = q
        self.k = k
        self.v = v
        self.heads = heads
        self.positions = positions
        scale = 1 / Float(depth).squareRoot()
    }

    /// A head's queries may be cut where there are few heads, by shape alone; each part packs the keys anew.
    private func queryParts(atLeast units: Int, of minimum: Int) -> Int {
        let pairs = max(1, q.batch * heads)
        return max(1, min((units + pairs - 1) / pairs, q.tokens / minimum))
    }

    private func queries(part: Int, of parts: Int) -> Range<Int> {
        let size = (q.tokens + parts - 1) / parts
        return min(q.tokens, part * size)..<min(q.tokens, (part + 1) * size)
    }

    private func head(
        _ batch: Int, _ head: Int, _ queries: Range<Int>, keys: Range<Int>? = nil,
        output: UnsafeMutablePointer<Float>, logSums: UnsafeMutablePointer<Float>?
    ) -> AttentionHead {
        let keys = keys ?? 0..<k.tokens
        let first = queries.lowerBound
        let width = heads * valueDepth
        var task = AttentionHead(
            q: (q.tensor.base + q.position(batch: batch, token: first, head: head, depth: depth), q.channels),
            k: (k.tensor.base + k.position(batch: batch, token: keys.lowerBound, head: head, depth: depth), k.channels),
            v: (
                v.tensor.base + v.position(batch: batch, token: keys.lowerBound, head: head, depth: valueDepth),
                v.channels
            ),
            out: (output + ((batch * q.tokens + first) * width + head * valueDepth), width),
            logSums: logSums.map { $0 + ((batch * heads + head) * q.tokens + first) }, queries: queries.count,
            keys: keys.count, depth: depth, valueDepth: valueDepth, scale: scale)
        if let positions {
            task.setPositions(
                heights: positions.heights.base, widths: positions.widths.base, height: positions.height,
                width: positions.width, firstQuery: first)
        }
        return task
    }

    /// - Returns: `[B, Tq, Cv]`, and the logarithms of the softmax denominators, `[B, heads, Tq]`, if asked for.
    func forward(keepingLogSums: Bool) -> (Tensor, Tensor?) {
        if !keepingLogSums, positions == nil, let output = forwardSplittingKeys() { return (output, nil) }
        let parts = queryParts(atLeast: 16, of: 192)
        var logSums: Tensor?
        func run(_ sums: Sink?) -> Tensor {
            Tensor.make([q.batch, q.tokens, v.channels]) { sink in
                Threads.forEach(q.batch * heads * parts) { unit in
                    let (pair, part) = unit.quotientAndRemainder(dividingBy: parts)
                    let (batch, index) = pair.quotientAndRemainder(dividingBy: heads)
                    let range = queries(part: part, of: parts)
                    guard !range.isEmpty else { return }
                    Kernels.best.attention(
                        head(batch, index, range, output: sink.base, logSums: sums?.base))
                }
            }
        }
        guard keepingLogSums else { return (run(nil), nil) }
        var output: Tensor?
        logSums = Tensor.make([q.batch, heads, q.tokens]) { output = run($0) }
        return (output ?? run(nil), logSums)
    }

    /// The same with the keys cut into parts as well, where a few queries ask of many keys; nil where that is not so.
    ///
    /// Each part's result is its own mean of values; with the logarithms of its sum of exponentials they combine to the
    /// mean over all keys (Dao et al., Flash-Decoding, 2023). Cut by shape alone.
    private func forwardSplittingKeys() -> Tensor? {
        let pairs = q.batch * heads
        let splits = min(16 / max(1, pairs), k.tokens / 256)
        guard splits > 1, q.tokens > 0, q.tokens <= 192 else { return nil }
        let means = Storage(count: splits * q.batch * q.tokens * v.channels)
        let logSums = Storage(count: splits * pairs * q.tokens)
        let (meanSink, logSink) = (Sink(base: means.base), Sink(base: logSums.base))
        Threads.forEach(pairs * splits) { unit in
            let (pair, split) = unit.quotientAndRemainder(dividingBy: splits)
            let (batch, index) = pair.quotientAndRemainder(dividingBy: heads)
            Kernels.best.attention(
                head(
                    batch, index, 0..<q.tokens, keys: split * k.tokens / splits..<(split + 1) * k.tokens / splits,
                    output: meanSink + split * q.batch * q.tokens * v.channels,
                    logSums: logSink + split * pairs * q.tokens))
        }
        return Tensor.makeFromZeros([q.batch, q.tokens, v.channels]) { sink in
            Threads.forEach(pairs) { pair in
                let (batch, index) = pair.quotientAndRemainder(dividingBy: heads)
                for token in 0..<q.tokens {
                    let logs = (0..<splits).map { (logSink + ($0 * pairs + pair) * q.tokens)[token] }
                    let top = logs.max() ?? 0
                    let weights = logs.map { expf($0 - top) }
                    let sum = weights.reduce(0, +)
                    let row = (batch * q.tokens + token) * v.channels + index * valueDepth
                    for (split, weight) in weights.enumerated() {
                        let part = meanSink + (split * q.batch * q.tokens * v.channels + row)
                        Kernels.best.addScaled(sink + row, part, by: weight / sum, valueDepth)
                    }
                }
            }
        }
    }

    /// - Parameters:
    ///   - tables: Whether the gradients of the position tables are wanted.
    func backward(_ gradient: Tensor, output: Tensor, logSums: Tensor, tables: Bool) -> Gradients {
        precondition(gradient.shape == output.shape, "a gradient of \(gradient.shape) for \(output.shape)")
        // Parts of one head share keys and values, so each part sums gradients for them of its own.
        let parts = queryParts(atLeast: 8, of: 256)
        let tableParts = tables && positions != nil ? q.batch * heads * parts : 0
        let heightCount = (2 * (positions?.height ?? 1) - 1) * depth
        let widthCount = (2 * (positions?.width ?? 1) - 1) * depth
        let heightParts = Storage(zeroed: tableParts * heightCount)
        let widthParts = Storage(zeroed: tableParts * widthCount)
        let (heightSink, widthSink) = (Sink(base: heightParts.base), Sink(base: widthParts.base))
        let extraKeys = Storage(zeroed: (parts - 1) * k.batch * k.tokens * k.channels)
        let extraValues = Storage(zeroed: (parts - 1) * v.batch * v.tokens * v.channels)
        let (keySink, valueSink) = (Sink(base: extraKeys.base), Sink(base: extraValues.base))

        func run(_ dq: Sink, _ dk: Sink, _ dv: Sink) {
            Threads.forEach(q.batch * heads * parts) { unit in
                let (pair, part) = unit.quotientAndRemainder(dividingBy: parts)
                let (batch, index) = pair.quotientAndRemainder(dividingBy: heads)
                let range = queries(part: part, of: parts)
                guard !range.isEmpty else { return }
                let task = head(
                    batch, index, range, output: UnsafeMutablePointer(mutating: output.base),
                    logSums: UnsafeMutablePointer(mutating: logSums.base))
                let width = heads * valueDepth
                let upstream = gradient.base + ((batch * q.tokens + range.lowerBound) * width + index * valueDepth)
                let keys: (UnsafeMutablePointer<Float>, stride: Int)
                let values: (UnsafeMutablePointer<Float>, stride: Int)
                if part == 0 {
                    keys = (dk + k.position(batch: batch, token: 0, head: index, depth: depth), k.channels)
                    values = (dv + v.position(batch: batch, token: 0, head: index, depth: valueDepth), v.channels)
                } else {
                    let row = ((part - 1) * k.batch + batch) * k.tokens
                    keys = (keySink + (row * k.channels + index * depth), k.channels)
                    values = (valueSink + (row * v.channels + index * valueDepth), v.channels)
                }
                Kernels.best.attentionBackward(
                    task,
                    AttentionHeadGradients(
                        out: (upstream, width),
                        q: (
                            dq + q.position(batch: batch, token: range.lowerBound, head: index, depth: depth),
                            q.channels
                        ),
                        k: keys, v: values, heights: tableParts > 0 ? heightSink + unit * heightCount : nil,
                        widths: tableParts > 0 ? widthSink + unit * widthCount : nil))
            }
            addParts(extraKeys, to: dk, k, depth: depth)
            addParts(extraValues, to: dv, v, depth: valueDepth)
        }

        /// Adds the sums of the parts after the first, in order.
        func addParts(_ extra: Storage, to sink: Sink, _ operand: AttentionOperand, depth: Int) {
            let source = Sink(base: extra.base)
            let rows = operand.batch * operand.tokens
            for part in 1..<max(1, parts) {
                Threads.forEachSlice(of: rows, minimum: Grain.rows(of: operand.channels)) { range in
                    for row in range {
                        let out = sink + row * operand.channels
                        let from = source + ((part - 1) * rows + row) * operand.channels
                        Kernels.best.add(out, UnsafePointer(out), UnsafePointer(from), operand.channels)
                    }
                }
            }
        }

        var (dk, dv): (Tensor?, Tensor?)
        let dq = Tensor.makeFromZeros(q.tensor.shape) { dqSink in
            dk = Tensor.makeFromZeros(k.tensor.shape) { dkSink in
                dv = Tensor.makeFromZeros(v.tensor.shape) { dvSink in run(dqSink, dkSink, dvSink) }
            }
        }
        var gradients = Gradients(q: dq, k: dk, v: dv)
        if tableParts > 0, let positions {
            gradients.heights = total(heightParts, rows: tableParts, shape: positions.heights.shape)
            gradients.widths = total(widthParts, rows: tableParts, shape: positions.widths.shape)
        }
        return gradients
    }

    private func total(_ parts: Storage, rows: Int, shape: [Int]) -> Tensor {
        Tensor.makeFromZeros(shape) { sink in
            Kernels.best.addColumnSums(
                sink.base, UnsafePointer(parts.base), rows: rows, columns: shape.reduce(1, *))
        }
    }
}
