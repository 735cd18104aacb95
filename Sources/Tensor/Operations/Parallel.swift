/// Memory under construction, written by parallel slices.
struct Sink: @unchecked Sendable {
    // Invariant: slices write disjoint parts, and nobody reads before all are done.
    let base: UnsafeMutablePointer<Float>

    static func + (sink: Sink, offset: Int) -> UnsafeMutablePointer<Float> { sink.base + offset }
}

extension Tensor {
    /// A tensor that `body` fills through a sink, wholly.
    static func make(_ shape: [Int], _ body: (Sink) -> Void) -> Tensor {
        Tensor(shape: shape) { buffer in
            guard let base = buffer.baseAddress else { return }
            body(Sink(base: base))
        }
    }

    /// The same from zeros, to be added to.
    static func makeFromZeros(_ shape: [Int], _ body: (Sink) -> Void) -> Tensor {
        make(shape) { sink in
            Threads.forEachSlice(of: count(of: shape), minimum: Grain.elements) { range in
                (sink + range.lowerBound).update(repeating: 0, count: range.count)
            }
            body(sink)
        }
    }

    /// A tensor made element by element: `body` fills the ranges it is given.
    static func elementwise(_ shape: [Int], _ body: @Sendable (Sink, Range<Int>) -> Void) -> Tensor {
        make(shape) { sink in
            Threads.forEachSlice(of: count(of: shape), minimum: Grain.elements) { range in body(sink, range) }
        }
    }

    /// The last axis as columns, the others as rows.
    var matrix: (rows: Int, columns: Int) {
        precondition(!shape.isEmpty, "a scalar has no rows")
        let columns = shape[shape.count - 1]
        return (shape.dropLast().reduce(1, *), columns)
    }
}

/// The least work worth another thread.
enum Grain {
    static let elements = 1 << 15
    static func rows(of columns: Int) -> Int { elements / max(1, columns) + 1 }
}

/// Scratch of unspecified content for the duration of `body`.
func withScratch<Result>(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
    let storage = Storage(count: count)
    return withExtendedLifetime(storage) { body(storage.base) }
}
