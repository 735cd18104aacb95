import Basics
import Tensor
import TestSupport
import Testing

/// The packed products of every instruction set against the plain triple loop, at sizes around their tiles.
@Suite struct ProductKernelTests {
    struct Case: Sendable {
        var rows, columns, depth: Int
        var isTransposed = false
        var hasBias = false
        var activation = Activation.none
        var hasResidual = false
        var accumulates = false
        var keepsBefore = false
        var hasSlope = false
    }

    /// One more and one less than tiles of 4 to 14 rows and 8 to 32 columns, and depths beyond one piece; the options drawn.
    static let cases: [Case] = {
        var random = SeededRandom(seed: 7)
        var cases: [Case] = []
        for rows in [1, 3, 5, 13, 14, 15, 33, 200] {
            for columns in [1, 7, 9, 31, 32, 33, 70] {
                for depth in [1, 15, 17, 40] {
                    cases.append(
                        Case(
                            rows: rows, columns: columns, depth: depth, isTransposed: random.index(below: 2) == 0,
                            hasBias: random.index(below: 2) == 0,
                            activation: [.none, .gelu, .relu][random.index(below: 3)],
                            hasResidual: random.index(below: 2) == 0, accumulates: random.index(below: 2) == 0,
                            keepsBefore: random.index(below: 2) == 0, hasSlope: random.index(below: 3) == 0))
                }
            }
        }
        cases += [false, true].map { Case(rows: 29, columns: 35, depth: 2500, isTransposed: $0, accumulates: $0) }
        return cases
    }()

    private static let gap = 3  // floats between rows, which must stay as they are

    private func run(_ kernels: Kernels, _ size: Case) -> (found: [Float], expected: [Double]) {
        // The tile, and after it what it was before its activation, where that is asked for.
        let (rows, columns, depth) = (size.rows, size.columns, size.depth)
        let (stride, aStride) = (columns + Self.gap, depth + 1)
        let bStride = (size.isTransposed ? depth : columns) + 2
        let a = random(rows * aStride, seed: 1)
        let b = random((size.isTransposed ? columns : depth) * bStride, seed: 2)
        let (bias, residual) = (random(columns, seed: 3), random(rows * columns, seed: 4))
        let (start, slope) = (random(rows * stride, seed: 5), random(rows * columns, seed: 6))
        var before = [Float](repeating: 7, count: rows * columns)
        let panels = (columns + kernels.panelColumns - 1) / kernels.panelColumns
        var packed = [Float](repeating: .nan, count: kernels.packedCount(columns: columns, depth: depth))
        var c = start
        packed.withUnsafeMutableBufferPointer { packed in
            c.withUnsafeMutableBufferPointer { c in
                guard let packed = packed.baseAddress, let c = c.baseAddress else { return }
                // In two parts each way, as slices do.
                for range in [0..<panels / 2, panels / 2..<panels] {
                    kernels.packProduct(
                        packed, b, stride: bStride, isTransposed: size.isTransposed, columns: columns, depth: depth,
                        panels: range)
                }
                bias.withUnsafeBufferPointer { bias in
                    residual.withUnsafeBufferPointer { residual in
                        withThree(a, slope, &before) { a, slope, before in
                            let task = PackedProductTask(
                                c: (c, stride), a: (a, aStride), packed: packed, rows: rows, columns: columns,
                                depth: depth, bias: size.hasBias ? bias.baseAddress : nil,
                                activation: size.activation,
                                residual: size.hasResidual ? residual.baseAddress.map { ($0, columns) } : nil,
                                before: size.keepsBefore ? (before, columns) : nil,
                                slope: size.hasSlope ? (slope, columns) : nil, accumulate: size.accumulates)
                            for part in [0..<rows / 2, rows / 2..<rows] {
                                kernels.product(task, rows: part, panels: 0..<panels / 2)
                                kernels.product(task, rows: part, panels: panels / 2..<panels)
                            }
                        }
                    }
                }
            }
        }
        var expected = start.map(Double.init)
        var expectedBefore: [Double] = []
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = size.accumulates ? Double(start[row * stride + column]) : 0
                for d in 0..<depth {
                    let right = size.isTransposed ? b[column * bStride + d] : b[d * bStride + column]
                    sum += Double(a[row * aStride + d]) * Double(right)
                }
                if size.hasBias { sum += Double(bias[column]) }
                expectedBefore.append(size.keepsBefore ? sum : 7)
                switch size.activation {
                case .none: break
                case .gelu: sum = exactGelu(sum)
                case .relu: sum = max(sum, 0)
                }
                if size.hasSlope { sum *= exactGeluSlope(Double(slope[row * columns + column])) }
                if size.hasResidual { sum += Double(residual[row * columns + column]) }
                expected[row * stride + column] = sum
            }
        }
        return (c + before, expected + expectedBefore)
    }

    private func withThree(
        _ a: [Float], _ b: [Float], _ c: inout [Float],
        _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        c.withUnsafeMutableBufferPointer { c in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                    body(a, b, c)
                }
            }
        }
    }

    @Test(arguments: Row.all) func matchesTheNaiveTwin(_ row: Row) {
        for size in Self.cases {
            let (found, expected) = run(row.kernels, size)
            let error = relativeError(found, expected.map { Float($0) })
            #expect(error < 3e-6, "\(size): error \(error)")
        }
    }
}

/// Products through the façade, where few rows and transposed left sides take another way.
@Suite struct MatrixProductTests {
    @Test(arguments: [1, 7, 31, 32, 100]) func finishes(_ rows: Int) {
        let (x, weight) = (random([rows, 20], seed: 1), random([9, 20], seed: 2))
        let (bias, residual) = (random([9], seed: 3), random([rows, 9], seed: 4))
        let found = linear(
            Value(x), weight: Value(weight), bias: Value(bias), activation: .gelu, residual: Value(residual))
        var expected: [Float] = []
        for row in 0..<rows {
            for column in 0..<9 {
                var sum = Double(bias[column])
                for d in 0..<20 { sum += Double(x[row, d]) * Double(weight[column, d]) }
                expected.append(Float(exactGelu(sum) + Double(residual[row, column])))
            }
        }
        #expect(relativeError(found.tensor.elements, expected) < 3e-6)
    }
}
