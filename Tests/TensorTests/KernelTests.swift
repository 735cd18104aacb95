import Tensor
import TestSupport
import Testing

/// Every kernel of every instruction set against its plain loop, at odd sizes.
@Suite struct KernelTests {
    typealias Output = UnsafeMutablePointer<Float>
    typealias Input = UnsafePointer<Float>

    /// Runs `kernel` on a buffer with a guard behind it, which it must not touch.
    private func run(_ count: Int, from start: [Float]? = nil, _ kernel: (Output) -> Void) -> [Float] {
        var out = (start ?? Array(repeating: 0, count: count)) + Array(repeating: 77, count: 64)
        out.withUnsafeMutableBufferPointer { if let base = $0.baseAddress { kernel(base) } }
        #expect(out[count...].allSatisfy { $0 == 77 }, "written past the end")
        return Array(out[..<count])
    }

    private func check(_ found: [Float], _ expected: [Double], tolerance: Float = 1e-6, _ what: String) {
        let error = relativeError(found, expected.map { Float($0) })
        #expect(error <= tolerance, "\(what), \(found.count) elements: error \(error)")
    }

    @Test func thePortableRowIsAlwaysThere() {
        #expect(Kernels.available.first?.name == "portable")
        #expect(Kernels.available.map(\.lanes) == Kernels.available.map(\.lanes).sorted())
        #expect(Kernels.available.contains { $0.name == Kernels.best.name })
    }

    @Test(arguments: Row.all) func elementwise(_ row: Row) {
        let kernels = row.kernels
        for count in oddSizes(kernels.lanes) {
            let (a, b) = (random(count, seed: 1), random(count, seed: 2))
            let pairs = zip(a.map(Double.init), b.map(Double.init))
            check(run(count) { kernels.add($0, a, b, count) }, pairs.map { $0 + $1 }, "add")
            check(run(count) { kernels.subtract($0, a, b, count) }, pairs.map { $0 - $1 }, "subtract")
            check(run(count) { kernels.multiply($0, a, b, count) }, pairs.map { $0 * $1 }, "multiply")
            check(run(count) { kernels.scale($0, a, by: -2.5, count) }, a.map { Double($0) * -2.5 }, "scale")
            check(
                run(count, from: b) { kernels.addScaled($0, a, by: 0.3, count) },
                pairs.map { $1 + Double(Float(0.3)) * $0 }, "addScaled")
            #expect(abs(kernels.sum(a, count) - a.reduce(0) { $0 + Double($1) }) < 1e-5)
        }
        let many = random(10_000, seed: 3)
        #expect(abs(kernels.sum(many, 10_000) - many.reduce(0) { $0 + Double($1) }) < 1e-3)
    }

    @Test(arguments: Row.all) func activations(_ row: Row) {
        let kernels = row.kernels
        for count in oddSizes(kernels.lanes) {
            let x = random(count, seed: 4).map { $0 * 6 }
            let up = random(count, seed: 5)
            let pairs = zip(x.map(Double.init), up.map(Double.init))
            check(run(count) { kernels.gelu($0, x, count) }, x.map { exactGelu(Double($0)) }, "gelu")
            check(
                run(count) { kernels.geluBackward($0, x: x, up, count) }, pairs.map { exactGeluSlope($0) * $1 },
                tolerance: 2e-6, "gelu backward")
            check(run(count) { kernels.relu($0, x, count) }, x.map { max(0, Double($0)) }, "relu")
            check(
                run(count) { kernels.reluBackward($0, out: x, up, count) }, pairs.map { $0 > 0 ? $1 : 0 },
                "relu backward")
        }
    }

    /// A number that is none is not made one, whether the activation is by itself or part of something larger.
    @Test(arguments: Row.all) func reluKeepsWhatIsNoNumber(_ row: Row) {
        let x: [Float] = [-1, .nan, 2, -.infinity, .infinity]
        let apart = run(x.count) { row.kernels.relu($0, x, x.count) }
        let fused = run(x.count, from: x) { row.kernels.bias($0, nil, rows: 1, columns: 5, activation: .relu) }
        for found in [apart, fused] {
            #expect(found[0] == 0 && found[1].isNaN && found[2] == 2 && found[3] == 0 && found[4] == .infinity)
        }
    }

    @Test(arguments: Row.all) func geluOfLargeInputs(_ row: Row) {
        let x: [Float] = [-100, -10, -4, 0, 4, 10, 100, .nan]
        let found = run(x.count) { row.kernels.gelu($0, x, x.count) }
        for (x, y) in zip(x, found).dropLast() { #expect(abs(Double(y) - exactGelu(Double(x))) <= 4e-6, "gelu(\(x))") }
        #expect(found[7].isNaN)
    }

    @Test(arguments: Row.all) func biasAndColumnSums(_ row: Row) {
        let kernels = row.kernels
        for columns in oddSizes(kernels.lanes) {
            let rows = 3
            let (x, bias) = (random(rows * columns, seed: 6), random(columns, seed: 7))
            let sums = x.indices.map { Double(x[$0]) + Double(bias[$0 % columns]) }
            for (activation, function) in [
                (Activation.none, { $0 }), (.relu, { max(0, $0) }), (.gelu, exactGelu),
            ] as [(Activation, (Double) -> Double)] {
                check(
                    run(x.count, from: x) {
                        kernels.bias($0, bias, rows: rows, columns: columns, activation: activation)
                    }, sums.map(function), "bias, \(activation)")
                check(
                    run(x.count, from: x) {
                        kernels.bias($0, nil, rows: rows, columns: columns, activation: activation)
                    }, x.map { function(Double($0)) }, "no bias, \(activation)")
            }
            let expected = (0..<columns).map { column in
                (0..<rows).reduce(Double(bias[column])) { $0 + Double(x[$1 * columns + column]) }
            }
            check(
                run(columns, from: bias) { kernels.addColumnSums($0, x, rows: rows, columns: columns) }, expected,
                "column sums")
        }
    }

    @Test(arguments: Row.all) func layerNorm(_ row: Row) {
        let kernels = row.kernels
        for columns in oddSizes(kernels.lanes).dropFirst() {
            let rows = 4
            // A mean far from zero: the variance must not be lost in it.
            let x = random(rows * columns, seed: 8).map { $0 + 30 }
            let (weight, bias) = (random(columns, seed: 9), random(columns, seed: 10))
            let up = random(rows * columns, seed: 11)
            var (mean, deviation) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
            let out = run(x.count) {
                kernels.layerNorm(
                    $0, mean: &mean, reciprocalDeviation: &deviation, x, weight: weight, bias: bias, rows: rows,
                    columns: columns, epsilon: 1e-6)
            }
            var (expected, slopes) = ([Double](), [Double]())
            var weightSlopes = [Double](repeating: 1, count: columns)
            var biasSlopes = [Double](repeating: 2, count: columns)
            for r in 0..<rows {
                let line = x[r * columns..<(r + 1) * columns].map(Double.init)
                let centre = line.reduce(0, +) / Double(columns)
                let variance = line.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(columns)
                let scale = 1 / (variance + 1e-6).squareRoot()
                let normal = line.map { ($0 - centre) * scale }
                expected += (0..<columns).map { normal[$0] * Double(weight[$0]) + Double(bias[$0]) }
                let weighted = (0..<columns).map { Double(up[r * columns + $0]) * Double(weight[$0]) }
                let first = weighted.reduce(0, +) / Double(columns)
                let second = zip(weighted, normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(columns)
                slopes += (0..<columns).map { (weighted[$0] - first - normal[$0] * second) * scale }
                for c in 0..<columns {
                    weightSlopes[c] += Double(up[r * columns + c]) * normal[c]
                    biasSlopes[c] += Double(up[r * columns + c])
                }
            }
            // Single precision has 2e-6 of the mean of 30, against deviations of about 0.6.
            check(out, expected, tolerance: 2e-5, "layer norm")
            guard columns > 1 else { continue }  // one column has no variance: its slope is rounding over epsilon
            var (byWeight, byBias) = ([Float](repeating: 1, count: columns), [Float](repeating: 2, count: columns))
            let byInput = run(x.count) {
                kernels.layerNormBackward(
                    $0, weightGradient: &byWeight, biasGradient: &byBias, x: x, weight: weight, mean: mean,
                    reciprocalDeviation: deviation, up, rows: rows, columns: columns)
            }
            check(byInput, slopes, tolerance: 5e-5, "layer norm backward")
            check(byWeight, weightSlopes, tolerance: 5e-5, "layer norm backward, weight")
            check(byBias, biasSlopes, "layer norm backward, bias")
        }
    }

    @Test(arguments: Row.all) func softmaxOfGroups(_ row: Row) {
        for width in oddSizes(row.kernels.lanes).dropFirst() {
            let (rows, groups) = (3, 4)
            let x = random(rows * groups * width, seed: 14).map { $0 * 3 + 1000 }
            var expected = x.map { exactExponential(Double($0) - 1000) }
            for (r, c) in (0..<rows * width).map({ ($0 / width, $0 % width) }) {
                let places = (0..<groups).map { (r * groups + $0) * width + c }
                let sum = places.reduce(0) { $0 + expected[$1] }
                for place in places { expected[place] /= sum }
            }
            let found = run(x.count, from: x) {
                row.kernels.softmaxGroups($0, rows: rows, groups: groups, width: width)
            }
            check(found, expected, "softmax of groups")
        }
    }

    /// Over the whole range of the exponential, relative to each value: absolute closeness would hide a wrong tail.
    @Test(arguments: Row.all) func softmaxOfTwoFarApart(_ row: Row) {
        let x = (0..<4000).map { Float($0) * 0.02175 - 87 }
        let zeros = [Float](repeating: 0, count: x.count)
        let found = run(2 * x.count, from: x + zeros) {
            row.kernels.softmaxGroups($0, rows: 1, groups: 2, width: x.count)
        }
        let wrong = zip(x, found).filter { x, y in
            let exact = exactExponential(Double(x)) / (1 + exactExponential(Double(x)))
            return abs(Double(y) - exact) > 6e-7 * exact
        }
        #expect(wrong.isEmpty)
        let special: [Float] = [-.infinity, -1000, -88, 0, .nan]
        let ends = run(10, from: special + [0, 0, 0, 0, 0]) {
            row.kernels.softmaxGroups($0, rows: 1, groups: 2, width: 5)
        }
        #expect(ends[..<4] == [0, 0, 0, 0.5])
        #expect(ends[4].isNaN)
    }

    /// All 65536 halves, there and back.
    @Test(arguments: Row.all) func halfPrecision(_ row: Row) {
        let halves = (0...UInt16.max).map { $0 }
        let floats = run(halves.count) { row.kernels.floats($0, fromHalf: halves, halves.count) }
        var back = [UInt16](repeating: 0, count: halves.count)
        row.kernels.halves(&back, fromFloat: floats, floats.count)
        let wrong = halves.filter { half in
            let (float, exact) = (floats[Int(half)], Float(Float16(bitPattern: half)))
            if exact.isNaN { return !float.isNaN || !Float16(bitPattern: back[Int(half)]).isNaN }
            return float != exact || back[Int(half)] != half
        }
        #expect(wrong == [])
    }

    @Test(arguments: Row.all) func roundsToNearestEvenHalf(_ row: Row) {
        let floats: [Float] =
            [0, -0.0, 1, 2049, 2051, 65504, 65519.9, 65520, 1e9, -.infinity, 5.96e-8, 2.9e-8, 3.1e-8, 6.1e-5, 1e-30]
            + random(1000, seed: 14).map { $0 * 1e-4 } + random(1000, seed: 15).map { $0 * 3000 }
        var found = [UInt16](repeating: 0, count: floats.count)
        row.kernels.halves(&found, fromFloat: floats, floats.count)
        #expect(found == floats.map { Float16($0).bitPattern })
    }

    @Test(arguments: Row.all) func brainFloat(_ row: Row) {
        let bits: [UInt16] = [0x3F80, 0xC000, 0x0001, 0x7F80, 0x8000]
        let found = run(5) { row.kernels.floats($0, fromBfloat: bits, 5) }
        #expect(found == bits.map { Float(bitPattern: UInt32($0) << 16) })
    }

    @Test(arguments: Row.all) func adamW(_ row: Row) {
        let settings = AdamW(learningRate: 0.01, weightDecay: 0.1)
        for count in oddSizes(row.kernels.lanes) {
            let (start, slope) = (random(count, seed: 16), random(count, seed: 17))
            var (parameter, first, second) = (start, random(count, seed: 18), random(count, seed: 19).map(abs))
            let expected = (0..<count).map { index -> Double in
                let g = Double(slope[index])
                let m = 0.9 * Double(first[index]) + 0.1 * g
                let v = 0.999 * Double(second[index]) + 0.001 * g * g
                let step = m * 2 / ((v * 3).squareRoot() + 1e-8)
                return Double(start[index]) - 0.01 * (step + 0.1 * Double(start[index]))
            }
            row.kernels.adamW(
                &parameter, first: &first, second: &second, gradient: slope, count, settings: settings,
                corrections: (2, 3))
            check(parameter, expected, tolerance: 2e-6, "AdamW")
        }
    }
}
