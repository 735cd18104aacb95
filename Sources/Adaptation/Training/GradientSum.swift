import Tensor

/// Adds up gradients of many small losses, in the order in which they come (floating-point sums depend on it).
struct GradientSum {
    private var sums: [[Float]]
    private let shapes: [[Int]]

    init(shapes: [[Int]]) {
        self.shapes = shapes
        sums = shapes.map { [Float](repeating: 0, count: $0.reduce(1, *)) }
    }

    mutating func add(_ gradients: [Tensor], from first: Int = 0) {
        for (offset, gradient) in gradients.enumerated() {
            let index = first + offset
            precondition(gradient.count == sums[index].count, "a gradient has its parameter's shape")
            gradient.withUnsafeElements { elements in
                sums[index].withUnsafeMutableBufferPointer { sum in
                    for at in 0..<elements.count { sum[at] += elements[at] }
                }
            }
        }
    }

    /// The sums times `factor`.
    func tensors(scaledBy factor: Float) -> [Tensor] {
        zip(shapes, sums).map { shape, sum in Tensor(shape: shape, sum.map { $0 * factor }) }
    }
}
