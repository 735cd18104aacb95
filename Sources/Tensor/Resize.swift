/// Linear resize along the first axis, PyTorch's `F.interpolate(mode="linear")`: tables of relative positions.
///
/// - Parameter table: `[L, C]`.
/// - Returns: `[length, C]`.
package func resizeLinear(_ table: Tensor, length: Int) -> Tensor {
    precondition(table.shape.count == 2 && table.count > 0 && length > 0, "\(table.shape) to \(length)")
    if table.shape[0] == length { return table }
    let columns = table.shape[1]
    return Tensor.make([length, columns]) { sink in
        for (index, tap) in LinearTap.all(from: table.shape[0], to: length).enumerated() {
            for column in 0..<columns {
                let (a, b) = (table.base[tap.first * columns + column], table.base[tap.second * columns + column])
                sink.base[index * columns + column] = a * (1 - tap.weight) + b * tap.weight
            }
        }
    }
}

/// Two neighbouring samples and the weight of the second.
private struct LinearTap {
    let first, second: Int
    let weight: Float

    static func all(from source: Int, to target: Int) -> [LinearTap] {
        let scale = Float(source) / Float(target)
        return (0..<target).map { index in
            let position = max(0, (Float(index) + 0.5) * scale - 0.5)
            let first = min(Int(position), source - 1)
            return LinearTap(first: first, second: min(first + 1, source - 1), weight: position - Float(first))
        }
    }
}
