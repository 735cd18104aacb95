/// Joins tensors along `axis`; all other sizes are equal.
package func concatenate(_ parts: [Value], axis: Int) -> Value {
    precondition(!parts.isEmpty, "nothing to concatenate")
    var shape = parts[0].shape
    precondition(axis >= 0 && axis < shape.count, "axis \(axis) of \(shape)")
    for part in parts {
        precondition(
            part.shape.count == shape.count && part.shape[..<axis] == shape[..<axis]
                && part.shape[(axis + 1)...] == shape[(axis + 1)...], "cannot join \(part.shape) to \(shape)")
    }
    let sizes = parts.map { $0.shape[axis] }
    shape[axis] = sizes.reduce(0, +)
    let tensors = parts.map(\.tensor)
    let joined = Tensor.make(shape) { sink in
        var start = 0
        for tensor in tensors {
            AxisSlice(of: shape, axis: axis, start..<start + tensor.shape[axis]).put(tensor, into: sink)
            start += tensor.shape[axis]
        }
    }
    let (full, needed) = (shape, parts.map(\.requiresGradient))
    return .operation(joined, inputs: parts) { gradient in
        var start = 0
        return zip(sizes, needed).map { size, isNeeded in
            defer { start += size }
            return isNeeded ? AxisSlice(of: full, axis: axis, start..<start + size).take(from: gradient) : nil
        }
    }
}

/// Part of `x` along `axis`.
package func slice(_ x: Value, axis: Int, _ range: Range<Int>) -> Value {
    let part = AxisSlice(of: x.shape, axis: axis, range)
    return .operation(part.take(from: x.tensor), inputs: [x]) { gradient in
        [Tensor.makeFromZeros(part.shape) { part.put(gradient, into: $0) }]
    }
}

/// `[1, ...]` as `[times, ...]`.
package func repeated(_ x: Value, times: Int) -> Value {
    precondition(x.shape.first == 1 && times >= 0, "only [1, ...] repeats, not \(x.shape)")
    let (input, count) = (x.tensor, x.tensor.count)
    let output = Tensor.make([times] + x.shape.dropFirst()) { sink in
        Threads.forEach(times) { index in (sink + index * count).update(from: input.base, count: count) }
    }
    return .operation(output, inputs: [x]) { gradient in
        [columnSums(gradient, rows: times, columns: count).reshaped(input.shape)]
    }
}

/// A range along one axis of a shape, copied out or in.
struct AxisSlice: Sendable {
    let shape: [Int]  // of the whole
    let axis: Int
    let range: Range<Int>

    init(of shape: [Int], axis: Int, _ range: Range<Int>) {
        precondition(
            axis >= 0 && axis < shape.count && range.lowerBound >= 0 && range.upperBound <= shape[axis],
            "slice \(range) of axis \(axis) of \(shape)")
        self.shape = shape
        self.axis = axis
        self.range = range
    }

    private var outer: Int { shape[..<axis].reduce(1, *) }
    private var inner: Int { shape[(axis + 1)...].reduce(1, *) }

    func take(from whole: Tensor) -> Tensor {
        var part = shape
        part[axis] = range.count
        let (run, stride, start) = (range.count * inner, shape[axis] * inner, range.lowerBound * inner)
        return Tensor.make(part) { sink in
            Threads.forEachSlice(of: outer, minimum: Grain.rows(of: run)) { rows in
                for row in rows { (sink + row * run).update(from: whole.base + (row * stride + start), count: run) }
            }
        }
    }

    /// Copies `part` to its place in a whole under construction.
    func put(_ part: Tensor, into sink: Sink) {
        let (run, stride, start) = (range.count * inner, shape[axis] * inner, range.lowerBound * inner)
        Threads.forEachSlice(of: outer, minimum: Grain.rows(of: run)) { rows in
            for row in rows { (sink + (row * stride + start)).update(from: part.base + row * run, count: run) }
        }
    }
}
