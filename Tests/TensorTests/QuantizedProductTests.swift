import Tensor
import TestSupport
import Testing

/// 8-bit kernels of this machine, each a test case of its own.
struct Int8Row: Sendable, CustomTestStringConvertible {
    let kernels: Int8Kernels
    var testDescription: String { kernels.name }
    static let all = Int8Kernels.available.map(Int8Row.init)
}

/// Quantising and multiplying codes, on every instruction set, against plain loops over exact integers.
@Suite struct QuantizedProductTests {
    /// Depths around a group of four and a vector; output channels around a vector, a step and a panel.
    private static let depths = [1, 3, 4, 5, 15, 16, 17, 33, 131]
    private static let widths = [1, 15, 16, 17, 31, 48, 63, 64, 65, 130]

    private func quantized(_ x: Tensor, _ row: Int8Row) -> QuantizedRows {
        let rows = QuantizedRows(capacity: x.shape[0], depth: x.shape[1], kernels: row.kernels)
        x.withUnsafeElements { elements in
            if let base = elements.baseAddress { rows.quantize(base, first: 0, count: x.shape[0]) }
        }
        return rows
    }

    /// The product into a buffer with a guard behind it.
    private func product(
        _ rows: QuantizedRows, count: Int, _ matrix: QuantizedMatrix, bias: [Float]? = nil, residual: [Float]? = nil,
        activation: Activation = .none
    ) -> [Float] {
        let size = count * matrix.columns
        var out = [Float](repeating: 77, count: size + 64)
        out.withUnsafeMutableBufferPointer { out in
            (bias ?? []).withUnsafeBufferPointer { b in
                (residual ?? []).withUnsafeBufferPointer { r in
                    guard let base = out.baseAddress else { return }
                    matrix.multiply(
                        rows, count: count,
                        into: .init(
                            out: base, bias: bias == nil ? nil : b.baseAddress,
                            residual: residual == nil ? nil : r.baseAddress, activation: activation))
                }
            }
        }
        #expect(out[size...].allSatisfy { $0 == 77 }, "written past the end")
        return Array(out[..<size])
    }

    /// The textbook symmetric quantisation of one output channel.
    private func codes(ofWeights row: ArraySlice<Float>) -> (codes: [Int], scale: Float) {
        let scale = (row.map(abs).max() ?? 0) / 127
        guard scale >= Float.leastNormalMagnitude else { return (row.map { _ in 0 }, 0) }
        let reciprocal = 1 / scale
        return (row.map { Int(min(max(($0 * reciprocal).rounded(.toNearestOrEven), -127), 127)) }, scale)
    }

    /// Sums of products of the codes as integers; then scales, each step rounded as the kernels do.
    private func twin(_ rows: QuantizedRows, count: Int, _ weight: Tensor) -> [Float] {
        let (columns, depth) = (weight.shape[0], weight.shape[1])
        let elements = weight.elements
        let channels = (0..<columns).map { codes(ofWeights: elements[$0 * depth..<($0 + 1) * depth]) }
        return (0..<count).flatMap { index in
            let row = rows.row(index)
            return channels.map { channel in
                let sum = zip(row.codes, channel.codes).reduce(0) { $0 + (Int($1.0) - row.zero) * $1.1 }
                return Float(sum) * (channel.scale * row.scale)
            }
        }
    }

    @Test func thePortableRowIsAlwaysThere() {
        #expect(Int8Kernels.available.first?.name == "portable")
        #expect(Int8Kernels.available.contains { $0.name == Int8Kernels.best.name })
        #expect(Int8Kernels.available.count >= Kernels.available.count)
    }

    @Test(arguments: Int8Row.all) func codesAreTheNearest(_ kernels: Int8Row) {
        for depth in Self.depths {
            let x = random([5, depth], seed: UInt64(depth))
            let rows = quantized(x, kernels)
            for index in 0..<5 {
                let row = rows.row(index)
                let values = x.elements[index * depth..<(index + 1) * depth]
                let span = max(values.max() ?? 0, 0) - min(values.min() ?? 0, 0)
                #expect(abs(row.scale - span / 255) <= 1e-6 * span)
                for (value, code) in zip(values, row.codes) {
                    // Half a step for the code, and half for the code of 0 being whole.
                    #expect(abs(row.scale * Float(Int(code) - row.zero) - value) <= row.scale * 1.001)
                }
            }
        }
    }

    /// Sums alike are of no use if the codes differ.
    @Test func everyLevelGivesTheSameCodes() {
        for depth in Self.depths {
            let x = random([7, depth], seed: 50 + UInt64(depth))
            let levels = Int8Row.all.map { level in
                let rows = quantized(x, level)
                return (0..<7).map { rows.row($0) }
            }
            for level in levels {
                for (one, other) in zip(level, levels[0]) {
                    #expect(one.codes == other.codes)
                    #expect(one.scale == other.scale)
                    #expect(one.zero == other.zero)
                }
            }
        }
    }

    @Test(arguments: Int8Row.all) func sumsAreExact(_ kernels: Int8Row) {
        for depth in Self.depths {
            for width in Self.widths {
                let count = 1 + (depth + width) % 15
                let weight = random([width, depth], seed: UInt64(depth * 1000 + width))
                let rows = quantized(random([count, depth], seed: UInt64(width)), kernels)
                let found = product(rows, count: count, QuantizedMatrix(weight))
                #expect(found == twin(rows, count: count, weight), "\(count) x \(width) x \(depth)")
            }
        }
    }

    /// The largest products that there are, where 16-bit sums of two would saturate.
    @Test(arguments: Int8Row.all) func extremesDoNotSaturate(_ kernels: Int8Row) {
        let depth = 300
        for sign in [Float(1), -1] {
            let x = Tensor(filled: sign, shape: [9, depth])
            let weight = Tensor(shape: [20, depth], (0..<20 * depth).map { $0 / depth % 2 == 0 ? 1 : -1 })
            let found = product(quantized(x, kernels), count: 9, QuantizedMatrix(weight))
            for (index, value) in found.enumerated() {
                let expected = sign * (index % 20 % 2 == 0 ? 1 : -1) * Float(depth)
                #expect(abs(value - expected) <= 1e-4 * Float(depth))
            }
        }
    }

    @Test(arguments: Int8Row.all) func zeroStaysZero(_ kernels: Int8Row) {
        let depth = 37
        var elements = random(3 * depth, seed: 4)
        for index in 0..<depth { elements[depth + index] = 0 }
        for index in stride(from: 0, to: depth, by: 3) { elements[index] = 0 }
        let rows = quantized(Tensor(shape: [3, depth], elements), kernels)
        let first = rows.row(0)
        for index in stride(from: 0, to: depth, by: 3) { #expect(Int(first.codes[index]) == first.zero) }
        let weight = random([33, depth], seed: 5)
        let found = product(rows, count: 3, QuantizedMatrix(weight))
        #expect(found[33..<66].allSatisfy { $0 == 0 })
        let none = product(rows, count: 3, QuantizedMatrix(Tensor(zeros: [33, depth])))
        #expect(none.allSatisfy { $0 == 0 })
    }

    /// One row alike from end to end, positive or negative, and rows of the largest and the smallest numbers.
    @Test(arguments: Int8Row.all) func anyFiniteRowIsRepresented(_ kernels: Int8Row) {
        let depth = 21
        let constants: [Float] = [
            5, -5, 3e38, -3e38, 1e-30, 1e-37, .leastNormalMagnitude / 100, .leastNonzeroMagnitude, 0.1,
        ]
        let rows = quantized(
            Tensor(shape: [constants.count, depth], constants.flatMap { Array(repeating: $0, count: depth) }), kernels)
        for (index, constant) in constants.enumerated() {
            let row = rows.row(index)
            let decoded = row.codes.map { row.scale * Float(Int($0) - row.zero) }
            // Below the scale whose reciprocal is still finite there is only zero.
            let tolerance = max(abs(constant) * 1e-5, 255 * Float.leastNormalMagnitude)
            #expect(decoded.allSatisfy { abs($0 - constant) <= tolerance }, "\(constant): \(decoded[0])")
        }
        let mixed: [Float] = [3e38, -3e38] + Array(repeating: 1e30, count: depth - 2)
        let row = quantized(Tensor(shape: [1, depth], mixed), kernels).row(0)
        #expect(row.scale.isFinite && row.codes[0] == 255 && row.codes[1] == 0)
    }

    /// As in floats: the row's results are not a number, and its neighbours know nothing of it.
    @Test(arguments: Int8Row.all) func whatIsNotFiniteSpoilsItsOwnRowOnly(_ kernels: Int8Row) {
        let depth = 35
        for bad in [Float.nan, .infinity, -.infinity] {
            for position in [0, 16, depth - 1] {
                var elements = random(3 * depth, seed: 8)
                elements[depth + position] = bad
                let rows = quantized(Tensor(shape: [3, depth], elements), kernels)
                let weight = random([18, depth], seed: 9)
                let found = product(rows, count: 3, QuantizedMatrix(weight))
                #expect(found[18..<36].allSatisfy { $0.isNaN })
                let clean = twin(rows, count: 3, weight)
                #expect(Array(found[..<18]) == Array(clean[..<18]))
                #expect(Array(found[36...]) == Array(clean[36...]))
            }
        }
    }

    @Test(arguments: Int8Row.all) func epilogueIsFused(_ kernels: Int8Row) {
        let (count, depth) = (11, 29)
        for width in [5, 64, 81] {
            let weight = random([width, depth], seed: 12)
            let rows = quantized(random([count, depth], seed: 13), kernels)
            let (bias, residual) = (random(width, seed: 14), random(count * width, seed: 15))
            let sums = twin(rows, count: count, weight)
            let biased = sums.indices.map { Double(sums[$0] + bias[$0 % width]) }
            let matrix = QuantizedMatrix(weight)
            func check(_ found: [Float], _ expected: [Double], _ what: String) {
                #expect(relativeError(found, expected.map { Float($0) }) < 1e-6, "\(what), \(width) columns")
            }
            check(product(rows, count: count, matrix, bias: bias), biased, "bias")
            check(
                product(rows, count: count, matrix, bias: bias, activation: .gelu), biased.map(exactGelu), "gelu")
            check(
                product(rows, count: count, matrix, bias: bias, activation: .relu), biased.map { max($0, 0) }, "relu")
            check(
                product(rows, count: count, matrix, bias: bias, residual: residual),
                zip(biased, residual).map { $0 + Double($1) }, "residual")
        }
    }
}
