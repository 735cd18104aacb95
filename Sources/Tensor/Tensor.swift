/// A dense array of floats: row-major, contiguous, immutable once shared.
///
/// Copies share storage. Reshaping and taking whole rows do not copy either.
package struct Tensor: Sendable {
    /// Sizes, slowest axis first; `[]` is a scalar.
    package let shape: [Int]
    private var storage: Storage
    private let offset: Int

    /// Product of the shape.
    package let count: Int

    private init(shape: [Int], storage: Storage, offset: Int) {
        self.shape = shape
        self.storage = storage
        self.offset = offset
        count = Self.count(of: shape)
        precondition(offset + count <= storage.count, "shape \(shape) does not fit its storage")
    }

    /// A tensor over memory that `owner` keeps alive and unchanged.
    init(shape: [Int], borrowing base: UnsafePointer<Float>, from owner: AnyObject) {
        let storage = Storage(borrowing: base, count: Self.count(of: shape), from: owner)
        self.init(shape: shape, storage: storage, offset: 0)
    }

    /// A tensor of the shape given, filled by `body`, which must write every element.
    package init<Failure: Error>(
        shape: [Int], initializingWith body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
    ) throws(Failure) {
        let count = Self.count(of: shape)
        let storage = Storage(count: count)
        try body(UnsafeMutableBufferPointer(start: storage.base, count: count))
        self.init(shape: shape, storage: storage, offset: 0)
    }

    package init(shape: [Int], _ elements: [Float]) {
        precondition(Self.count(of: shape) == elements.count, "\(elements.count) elements do not make \(shape)")
        self.init(shape: shape) { _ = $0.update(fromContentsOf: elements) }
    }

    package init(_ scalar: Float) { self.init(shape: [], [scalar]) }

    package init(filled value: Float, shape: [Int]) {
        self.init(shape: shape) { $0.update(repeating: value) }
    }

    package init(zeros shape: [Int]) { self.init(filled: 0, shape: shape) }

    static func count(of shape: [Int]) -> Int {
        precondition(shape.allSatisfy { $0 >= 0 }, "negative size in \(shape)")
        return shape.reduce(1, *)
    }
}

extension Tensor {
    /// The same elements under another shape of equal count; no copy.
    package func reshaped(_ shape: [Int]) -> Tensor {
        precondition(Self.count(of: shape) == count, "cannot reshape \(self.shape) to \(shape)")
        return Tensor(shape: shape, storage: storage, offset: offset)
    }

    /// Rows of the first axis; no copy.
    package func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            !shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0], "rows \(range) of \(shape)")
        let row = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(), storage: storage, offset: offset + range.lowerBound * row)
    }

    /// Tensors of equal shape along a new first axis; copies.
    package static func stacked(_ tensors: [Tensor]) -> Tensor {
        let shape = tensors.first?.shape ?? []
        return Tensor(shape: [tensors.count] + shape) { out in
            for (index, tensor) in tensors.enumerated() {
                precondition(tensor.shape == shape, "cannot stack \(tensor.shape) on \(shape)")
                tensor.withUnsafeElements { elements in
                    guard let base = out.baseAddress, let from = elements.baseAddress else { return }
                    (base + index * tensor.count).update(from: from, count: tensor.count)
                }
            }
        }
    }

    package func withUnsafeElements<Result, Failure: Error>(
        _ body: (UnsafeBufferPointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeBufferPointer(start: base, count: count))
    }

    /// A copy of the elements, row-major.
    package var elements: [Float] { withUnsafeElements { Array($0) } }

    /// The only element of a one-element tensor.
    package var scalar: Float {
        precondition(count == 1, "\(shape) is not one element")
        return withUnsafeElements { $0[0] }
    }

    /// One element; for tests and small things, since each access checks every index.
    package subscript(_ index: Int...) -> Float {
        precondition(index.count == shape.count, "\(index.count) indices for \(shape)")
        var position = 0
        for (index, size) in zip(index, shape) {
            precondition(index >= 0 && index < size, "index \(index) outside \(shape)")
            position = position * size + index
        }
        return withUnsafeElements { $0[position] }
    }

    /// Whether no element is infinite or not a number.
    package var isFinite: Bool { withUnsafeElements { $0.allSatisfy(\.isFinite) } }

    /// The first element; valid while this tensor is alive, for kernels called in the meantime.
    var base: UnsafePointer<Float> { UnsafePointer(storage.base + offset) }

    /// Adds `other`, of equal shape: in place where nobody else holds this storage.
    mutating func accumulate(_ other: Tensor) {
        precondition(shape == other.shape, "cannot add \(other.shape) to \(shape)")
        mutate { out in
            let sink = Sink(base: out)
            Threads.forEachSlice(of: other.count, minimum: Grain.elements) { range in
                let start = range.lowerBound
                Kernels.best.add(sink + start, UnsafePointer(sink + start), other.base + start, range.count)
            }
        }
    }

    /// Lets `body` change the elements: of this storage if nobody else holds it, else of a copy.
    mutating func mutate(_ body: (UnsafeMutablePointer<Float>) -> Void) {
        if !isKnownUniquelyReferenced(&storage) || !storage.isOwned {
            let copy = Storage(count: count)
            copy.base.update(from: base, count: count)
            self = Tensor(shape: shape, storage: copy, offset: 0)
        }
        body(storage.base + offset)
    }
}

extension Tensor: CustomStringConvertible {
    package var description: String {
        let first = withUnsafeElements { $0.prefix(8).map { "\($0)" }.joined(separator: ", ") }
        return "Tensor\(shape)[\(first)\(count > 8 ? ", …" : "")]"
    }
}
