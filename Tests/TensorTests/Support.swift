import Basics
import Tensor
import Testing

/// Uniform in [-1, 1), the same for the same seed.
func random(_ shape: [Int], seed: UInt64) -> Tensor {
    var generator = SeededRandom(seed: seed)
    return Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() * 2 - 1 })
}

func random(_ count: Int, seed: UInt64) -> [Float] { random([count], seed: seed).elements }

/// Sizes at which vector loops go wrong: nothing, one, and one off on either side of a vector, of two and of more.
func oddSizes(_ lanes: Int) -> [Int] { [0, 1, lanes - 1, lanes, lanes + 1, 2 * lanes + 1, 5 * lanes + 3] }

/// Kernel rows of this machine, each a test case of its own.
struct Row: Sendable, CustomTestStringConvertible {
    let kernels: Kernels
    var testDescription: String { kernels.name }
    static let all = Kernels.available.map(Row.init)
}

/// The twin of multi-head attention: scores of every pair in double precision.
///
/// - Parameters:
///   - q: `[B, Tq, C]`; k: `[B, Tk, C]`; v: `[B, Tk, Cv]`.
///   - positions: Tables `[2h - 1, D]` and `[2w - 1, D]` of a grid of h × w keys.
func naiveAttention(
    q: Tensor, k: Tensor, v: Tensor, heads: Int, positions: (heights: Tensor, widths: Tensor, width: Int)? = nil
) -> Tensor {
    let (batch, queries, keys) = (q.shape[0], q.shape[1], k.shape[1])
    let (depth, valueDepth) = (q.shape[2] / heads, v.shape[2] / heads)
    let (qs, ks, vs) = (q.elements.map(Double.init), k.elements.map(Double.init), v.elements.map(Double.init))
    let heights = positions?.heights.elements.map(Double.init) ?? []
    let widths = positions?.widths.elements.map(Double.init) ?? []
    let width = positions?.width ?? 1
    let height = keys / width
    var out = [Float](repeating: 0, count: batch * queries * v.shape[2])
    for b in 0..<batch {
        for h in 0..<heads {
            for i in 0..<queries {
                let from = (b * queries + i) * heads * depth + h * depth
                var scores = (0..<keys).map { j in
                    let to = (b * keys + j) * heads * depth + h * depth
                    var (dot, bias) = (0.0, 0.0)
                    for d in 0..<depth {
                        dot += qs[from + d] * ks[to + d]
                        guard positions != nil else { continue }
                        let (dy, dx) = (i / width - j / width + height - 1, i % width - j % width + width - 1)
                        bias += qs[from + d] * (heights[dy * depth + d] + widths[dx * depth + d])
                    }
                    return dot / Double(depth).squareRoot() + bias
                }
                let top = scores.max() ?? 0
                scores = scores.map { exactExponential($0 - top) }
                let sum = scores.reduce(0, +)
                for d in 0..<valueDepth {
                    var value = 0.0
                    for j in 0..<keys {
                        value += scores[j] * vs[(b * keys + j) * heads * valueDepth + h * valueDepth + d]
                    }
                    out[(b * queries + i) * heads * valueDepth + h * valueDepth + d] = Float(value / sum)
                }
            }
        }
    }
    return Tensor(shape: [batch, queries, v.shape[2]], out)
}

/// Copies of the square windows of a map, row by row; the tokens that the map lacks at the bottom and right have `padding`.
///
/// - Parameters:
///   - x: `[B, H, W, C]`; padding: `[C]`, nil: zeros.
/// - Returns: `[B * rows * columns, side * side, C]`.
func windows(_ x: Tensor, _ side: Int, padding: Tensor? = nil) -> Tensor {
    let (batch, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let absent = padding?.elements ?? Array(repeating: 0, count: channels)
    let elements = x.elements
    var out: [Float] = []
    for image in 0..<batch {
        for top in stride(from: 0, to: height, by: side) {
            for left in stride(from: 0, to: width, by: side) {
                for (y, x) in (0..<side * side).map({ (top + $0 / side, left + $0 % side) }) {
                    let start = ((image * height + y) * width + x) * channels
                    out += y < height && x < width ? Array(elements[start..<start + channels]) : absent
                }
            }
        }
    }
    return Tensor(shape: [out.count / (side * side * channels), side * side, channels], out)
}

/// The map `[B, H, W, C]` whose `windows` are given.
func map(_ windows: Tensor, _ side: Int, batch: Int, height: Int, width: Int) -> Tensor {
    let (columns, channels) = ((width + side - 1) / side, windows.shape[2])
    let perImage = windows.shape[0] / batch
    let elements = windows.elements
    var out: [Float] = []
    for (image, y, x) in (0..<batch * height * width).map({ ($0 / (height * width), $0 / width % height, $0 % width) })
    {
        let window = image * perImage + y / side * columns + x / side
        let start = ((window * side + y % side) * side + x % side) * channels
        out += elements[start..<start + channels]
    }
    return Tensor(shape: [batch, height, width, channels], out)
}

/// A function of several tensors, its gradients checked against central differences.
struct Differentiable: Sendable, CustomTestStringConvertible {
    let name: String
    let inputs: [Tensor]
    let function: @Sendable ([Value]) -> Value

    init(_ name: String, _ shapes: [Int]..., function: @escaping @Sendable ([Value]) -> Value) {
        self.name = name
        inputs = shapes.enumerated().map { random($1, seed: UInt64($0 + 1)) }
        self.function = function
    }

    var testDescription: String { name }

    /// The loss is a fixed random combination of the outputs, so that errors cannot cancel.
    func loss(_ values: [Value]) -> Value {
        let output = function(values)
        return multiply(output, Value(random(output.shape, seed: 99))).sum()
    }

    func analyticGradients() -> [Tensor] {
        let parameters = inputs.map(Value.parameter)
        return gradients(of: loss(parameters), for: parameters)
    }

    /// Central differences with the outputs combined in double precision.
    func numericGradients(step: Float) -> [Tensor] {
        let output = function(inputs.map(Value.init))
        let weights = random(output.shape, seed: 99).elements.map(Double.init)
        func evaluate(_ index: Int, _ element: Int, _ change: Float) -> Double {
            var values = inputs.map(Value.init)
            var elements = inputs[index].elements
            elements[element] += change
            values[index] = Value(Tensor(shape: inputs[index].shape, elements))
            return zip(function(values).tensor.elements, weights).reduce(0) { $0 + Double($1.0) * $1.1 }
        }
        return inputs.indices.map { index in
            let slopes = (0..<inputs[index].count).map { element in
                Float((evaluate(index, element, step) - evaluate(index, element, -step)) / (2 * Double(step)))
            }
            return Tensor(shape: inputs[index].shape, slopes)
        }
    }
}
