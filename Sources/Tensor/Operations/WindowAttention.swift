/// Multi-head attention with decomposed relative positions within square windows of a map.
///
/// The windows are read where they lie: nothing is copied into windows and back. Where the map ends within a window, the
/// missing tokens take part with the key and the value given for them (in SAM what the projection makes of zeros: its
/// bias), but ask nothing.
///
/// - Parameters:
///   - q: `[B, H, W, C]`, heads side by side along the channels; `k` and `v` alike.
///   - keyPadding: `[C]`, as is `valuePadding`.
///   - relH: `[2 * window - 1, C / heads]`, as is `relW`; see ``relativePositionAttention(q:k:v:relH:relW:heads:height:width:)``.
/// - Returns: `[B, H, W, C]`.
package func windowAttention(
    q: Value, k: Value, v: Value, keyPadding: Value, valuePadding: Value, relH: Value, relW: Value, heads: Int,
    window: Int
) -> Value {
    let plan = WindowAttentionPlan(
        q: q.tensor, k: k.tensor, v: v.tensor, keyPadding: keyPadding.tensor, valuePadding: valuePadding.tensor,
        heights: relH.tensor, widths: relW.tensor, heads: heads, window: window)
    let inputs = [q, k, v, keyPadding, valuePadding, relH, relW]
    let needed = inputs.contains(where: \.requiresGradient)
    let tables = relH.requiresGradient || relW.requiresGradient
    let paddings = keyPadding.requiresGradient || valuePadding.requiresGradient
    let logSums = needed ? Storage(count: plan.units * window * window) : nil
    let output = plan.forward(logSums: logSums.map { Sink(base: $0.base) })
    guard let logSums else { return Value(output) }
    return .operation(output, inputs: inputs) { gradient in
        plan.backward(gradient, output: output, logSums: logSums, tables: tables, paddings: paddings)
    }
}

/// One window attention, cut into units of one head of one window.
private struct WindowAttentionPlan: Sendable {
    let q, k, v, keyPadding, valuePadding, heights, widths: Tensor
    let heads, window, batch, height, width, channels, rows, columns: Int
    var depth: Int { channels / heads }
    var windows: Int { batch * rows * columns }
    var units: Int { windows * heads }

    init(
        q: Tensor, k: Tensor, v: Tensor, keyPadding: Tensor, valuePadding: Tensor, heights: Tensor, widths: Tensor,
        heads: Int, window: Int
    ) {
        let shape = q.shape
        precondition(
            shape.count == 4 && k.shape == shape && v.shape == shape && heads > 0 && window > 0
                && shape[3].isMultiple(of: heads) && keyPadding.shape == [shape[3]]
                && valuePadding.shape == [shape[3]],
            "windows of \(window) in \(shape), \(k.shape) and \(v.shape) for \(heads) heads")
        let table = [2 * window - 1, shape[3] / heads]
        precondition(heights.shape == table && widths.shape == table, "tables \(heights.shape) and \(widths.shape)")
        (self.q, self.k, self.v, self.heights, self.widths) = (q, k, v, heights, widths)
        (self.keyPadding, self.valuePadding) = (keyPadding, valuePadding)
        (self.heads, self.window) = (heads, window)
        (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        rows = (height + window - 1) / window
        columns = (width + window - 1) / window
    }

    /// Where a unit's first token stands in the arrays, and how much of its window exists.
    private struct Unit {
        let window, head, start, height, width: Int
    }

    private func unit(_ index: Int) -> Unit {
        let (place, head) = index.quotientAndRemainder(dividingBy: heads)
        let (line, column) = place.quotientAndRemainder(dividingBy: columns)
        let (image, row) = line.quotientAndRemainder(dividingBy: rows)
        let (y, x) = (row * window, column * window)
        return Unit(
            window: place, head: head, start: ((image * height + y) * width + x) * channels + head * depth,
            height: min(window, height - y), width: min(window, width - x))
    }

    private func task(
        _ unit: Unit, _ index: Int, output: UnsafeMutablePointer<Float>, logSums: UnsafeMutablePointer<Float>?
    ) -> AttentionHead {
        var task = AttentionHead(
            q: (q.base + unit.start, channels), k: (k.base + unit.start, channels), v: (v.base + unit.start, channels),
            out: (output + unit.start, channels), logSums: logSums.map { $0 + index * window * window },
            queries: unit.height * unit.width, keys: window * window, depth: depth, valueDepth: depth,
            scale: 1 / Float(depth).squareRoot())
        task.setPositions(heights: heights.base, widths: widths.base, height: window, width: window, firstQuery: 0)
        task.setWindow(
            line: width, height: unit.height, width: unit.width, keyPadding: keyPadding.base + unit.head * depth,
            valuePadding: valuePadding.base + unit.head * depth)
        return task
    }

    func forward(logSums: Sink?) -> Tensor {
        Tensor.make(q.shape) { sink in
            Threads.forEach(units) { index in
                Kernels.best.attention(task(unit(index), index, output: sink.base, logSums: logSums?.base))
            }
        }
    }

    /// Gradients of q, k, v, the two paddings and the two tables.
    func backward(
        _ gradient: Tensor, output: Tensor, logSums: Storage, tables: Bool, paddings: Bool
    ) -> [Tensor?] {
        // Sums that units share have a part for each, added in order afterwards.
        let tableCount = tables ? heights.count : 0
        let heightParts = Parts(count: units, size: tableCount)
        let widthParts = Parts(count: units, size: tableCount)
        let keyParts = Parts(count: windows, size: paddings ? channels : 0)
        let valueParts = Parts(count: windows, size: paddings ? channels : 0)
        func run(_ dq: Sink, _ dk: Sink, _ dv: Sink) {
            Threads.forEach(units) { index in
                let unit = unit(index)
                let task = task(
                    unit, index, output: UnsafeMutablePointer(mutating: output.base), logSums: logSums.base)
                Kernels.best.attentionBackward(
                    task,
                    AttentionHeadGradients(
                        out: (gradient.base + unit.start, channels), q: (dq + unit.start, channels),
                        k: (dk + unit.start, channels), v: (dv + unit.start, channels),
                        heights: heightParts[index], widths: widthParts[index],
                        keyPadding: keyParts[unit.window].map { $0 + unit.head * depth },
                        valuePadding: valueParts[unit.window].map { $0 + unit.head * depth }))
            }
        }
        var (dk, dv): (Tensor?, Tensor?)
        let dq = Tensor.makeFromZeros(q.shape) { dqSink in
            dk = Tensor.makeFromZeros(k.shape) { dkSink in
                dv = Tensor.makeFromZeros(v.shape) { dvSink in run(dqSink, dkSink, dvSink) }
            }
        }
        return [
            dq, dk, dv, keyParts.total(keyPadding.shape), valueParts.total(valuePadding.shape),
            heightParts.total(heights.shape), widthParts.total(widths.shape),
        ]
    }
}

/// Sums in as many parts as there are writers, added in order; none of size 0.
private struct Parts: @unchecked Sendable {
    // Invariant: each part has one writer at a time, and the total is taken when all are done.
    private let storage: Storage
    private let count, size: Int

    init(count: Int, size: Int) {
        storage = Storage(zeroed: count * size)
        (self.count, self.size) = (count, size)
    }

    subscript(_ index: Int) -> UnsafeMutablePointer<Float>? { size == 0 ? nil : storage.base + index * size }

    func total(_ shape: [Int]) -> Tensor? {
        guard size > 0 else { return nil }
        return Tensor.makeFromZeros(shape) { sink in
            Kernels.best.addColumnSums(sink.base, UnsafePointer(storage.base), rows: count, columns: size)
        }
    }
}
