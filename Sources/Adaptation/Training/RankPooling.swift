package import Tensor

/// The mean over one axis of a matrix, which stays as an axis of size 1: the average pooling over the ranks of a block's
/// factors (the paper's §3.2, Fig. 3).
///
/// - Parameter x: `[rows, columns]`.
/// - Returns: `[1, columns]` for axis 0, `[rows, 1]` for axis 1.
package func rankMean(_ x: Value, axis: Int) -> Value {
    precondition(x.shape.count == 2 && (0...1).contains(axis), "axis \(axis) of \(x.shape)")
    let (rows, columns) = (x.shape[0], x.shape[1])
    let count = Float(axis == 0 ? rows : columns)
    var sums = [Float](repeating: 0, count: axis == 0 ? columns : rows)
    let elements = x.tensor.elements
    for row in 0..<rows {
        for column in 0..<columns { sums[axis == 0 ? column : row] += elements[row * columns + column] }
    }
    let mean = Tensor(shape: axis == 0 ? [1, columns] : [rows, 1], sums.map { $0 / count })
    return Value.operation(
        mean, inputs: [x],
        backward: { gradient in
            let slopes = gradient.elements
            var spread = [Float](repeating: 0, count: rows * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    spread[row * columns + column] = slopes[axis == 0 ? column : row] / count
                }
            }
            return [Tensor(shape: [rows, columns], spread)]
        })
}
