import Tensor
import TestSupport
import Testing

/// Forward results of the operations, against plain loops or by hand.
@Suite struct OperationTests {
    static let products: [(rows: Int, columns: Int, depth: Int)] = [
        (1, 1, 1), (0, 3, 2), (3, 0, 2), (5, 7, 3), (129, 3, 65), (3, 300, 17), (300, 200, 100),
    ]

    @Test(arguments: products) func linearMatchesThePlainLoop(_ rows: Int, _ columns: Int, _ depth: Int) {
        let (x, weight) = (random([rows, depth], seed: 1), random([columns, depth], seed: 2))
        let bias = random([columns], seed: 3)
        var expected: [Float] = []
        let (xs, ws, bs) = (x.elements, weight.elements, bias.elements)
        for r in 0..<rows {
            for c in 0..<columns {
                expected.append(
                    Float(
                        (0..<depth).reduce(Double(bs[c])) {
                            $0 + Double(xs[r * depth + $1]) * Double(ws[c * depth + $1])
                        }))
            }
        }
        let found = linear(Value(x), weight: Value(weight), bias: Value(bias))
        #expect(found.shape == [rows, columns])
        #expect(relativeError(found.tensor.elements, expected) < 2e-6)
        for activation in [Activation.gelu, .relu] {
            let fused = linear(Value(x), weight: Value(weight), bias: Value(bias), activation: activation)
            let apart = activation == .gelu ? gelu(found) : relu(found)
            #expect(relativeError(fused.tensor.elements, apart.tensor.elements) < 1e-6)
        }
    }

    @Test func productWithoutDepthIsZero() {
        let product = linear(Value(Tensor(zeros: [2, 0])), weight: Value(Tensor(zeros: [3, 0])), bias: nil)
        #expect(product.tensor.elements == Array(repeating: 0, count: 6))
    }

    @Test(arguments: [1, 3]) func batchedProducts(_ batch: Int) {
        let (a, b) = (random([batch, 4, 5], seed: 1), random([batch, 3, 5], seed: 2))
        let found = matmulTransposed(Value(a), Value(b)).tensor
        #expect(found.shape == [batch, 4, 3])
        for n in 0..<batch {
            for i in 0..<4 {
                for j in 0..<3 {
                    let expected = (0..<5).reduce(Float(0)) { $0 + a[n, i, $1] * b[n, j, $1] }
                    #expect(abs(found[n, i, j] - expected) < 1e-6)
                }
            }
        }
    }

    @Test(arguments: [(1, 1), (3, 20), (30, 7), (300, 300), (700, 5)]) func attentionOfSeveralHeads(
        _ queries: Int, _ keys: Int
    ) {
        let q = random([2, queries, 12], seed: 1)
        let (k, v) = (random([2, keys, 12], seed: 2), random([2, keys, 9], seed: 3))
        let found = attention(q: Value(q), k: Value(k), v: Value(v), heads: 3).tensor
        #expect(found.shape == [2, queries, 9])
        #expect(relativeError(found.elements, naiveAttention(q: q, k: k, v: v, heads: 3).elements) < 2e-6)
    }

    /// Few queries of many keys, which are cut into parts where nothing is recorded: 2 to 8 of them, uneven.
    @Test(arguments: [(1, 1, 2100), (2, 2, 600), (1, 3, 515)]) func attentionToManyKeys(
        _ batch: Int, _ heads: Int, _ keys: Int
    ) {
        let channels = 4 * heads
        let q = random([batch, 7, channels], seed: 1)
        let (k, v) = (random([batch, keys, channels], seed: 2), random([batch, keys, 2 * channels], seed: 3))
        let found = attention(q: Value(q), k: Value(k), v: Value(v), heads: heads)
        #expect(relativeError(found.tensor.elements, naiveAttention(q: q, k: k, v: v, heads: heads).elements) < 5e-6)
        let recorded = attention(q: .parameter(q), k: Value(k), v: Value(v), heads: heads)
        #expect(relativeError(found.tensor.elements, recorded.tensor.elements) < 5e-6)
    }

    @Test func attentionToSharedKeys() {
        let (q, k, v) = (random([3, 4, 6], seed: 1), random([1, 5, 6], seed: 2), random([1, 5, 8], seed: 3))
        let found = attention(q: Value(q), k: Value(k), v: Value(v), heads: 2)
        #expect(found.shape == [3, 4, 8])
        let keys = repeated(Value(k), times: 3)
        let expected = attention(q: Value(q), k: keys, v: repeated(Value(v), times: 3), heads: 2)
        #expect(relativeError(found.tensor.elements, expected.tensor.elements) < 1e-6)
    }

    /// Windows, and one grid large enough for the queries to be cut into parts.
    @Test(arguments: [(3, 4, 5), (1, 20, 31)]) func attentionWithPositions(_ batch: Int, _ height: Int, _ width: Int) {
        let shape = [batch, height * width, 8]
        let (q, k, v) = (random(shape, seed: 1), random(shape, seed: 4), random(shape, seed: 5))
        let (heights, widths) = (random([2 * height - 1, 4], seed: 2), random([2 * width - 1, 4], seed: 3))
        let expected = naiveAttention(q: q, k: k, v: v, heads: 2, positions: (heights, widths, width))
        let found = relativePositionAttention(
            q: Value(q), k: Value(k), v: Value(v), relH: Value(heights), relW: Value(widths), heads: 2, height: height,
            width: width)
        #expect(relativeError(found.tensor.elements, expected.elements) < 2e-6)
    }

    /// Reading windows where they lie is the same as copying them out, the missing tokens having the padding as key and
    /// value. Windows that fit, windows cut on either side, and one that is larger than the map.
    @Test(arguments: [(2, 4, 6, 2), (1, 5, 7, 3), (1, 3, 5, 7), (1, 17, 16, 14)]) func attentionInWindows(
        _ batch: Int, _ height: Int, _ width: Int, _ window: Int
    ) {
        let shape = [batch, height, width, 8]
        let (q, k, v) = (Value(random(shape, seed: 1)), Value(random(shape, seed: 2)), Value(random(shape, seed: 3)))
        let (keyPadding, valuePadding) = (Value(random([8], seed: 4)), Value(random([8], seed: 5)))
        let table = [2 * window - 1, 4]
        let (heights, widths) = (Value(random(table, seed: 6)), Value(random(table, seed: 7)))
        let inWindows = relativePositionAttention(
            q: Value(windows(q.tensor, window)), k: Value(windows(k.tensor, window, padding: keyPadding.tensor)),
            v: Value(windows(v.tensor, window, padding: valuePadding.tensor)), relH: heights, relW: widths, heads: 2,
            height: window, width: window)
        let expected = map(inWindows.tensor, window, batch: batch, height: height, width: width)
        let found = windowAttention(
            q: q, k: k, v: v, keyPadding: keyPadding, valuePadding: valuePadding, relH: heights, relW: widths, heads: 2,
            window: window)
        #expect(found.shape == shape)
        #expect(relativeError(found.tensor.elements, expected.elements) < 3e-6)
    }

    @Test func blocksByHand() {
        let x = Tensor(shape: [1, 2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8])
        let blocks = spaceToDepth(Value(x), block: 2)
        #expect(blocks.shape == [1, 1, 2, 4])
        #expect(blocks.tensor.elements == [1, 2, 5, 6, 3, 4, 7, 8])
        #expect(depthToSpace(blocks, block: 2).tensor.elements == x.elements)
    }

    /// The direct sum, several sizes including a single line and column.
    @Test(arguments: [(1, 1, 1), (1, 5, 1), (2, 4, 7), (1, 30, 20)]) func convolution(
        _ batch: Int, _ height: Int, _ width: Int
    ) {
        let (x, weight) = (random([batch, height, width, 3], seed: 1), random([2, 27], seed: 2))
        let found = convolution3x3(Value(x), weight: Value(weight)).tensor
        #expect(found.shape == [batch, height, width, 2])
        var expected: [Float] = []
        for b in 0..<batch {
            for y in 0..<height {
                for x0 in 0..<width {
                    for o in 0..<2 {
                        var sum: Float = 0
                        for (dy, dx) in (0..<9).map({ ($0 / 3, $0 % 3) }) {
                            let (ny, nx) = (y + dy - 1, x0 + dx - 1)
                            guard ny >= 0, ny < height, nx >= 0, nx < width else { continue }
                            for c in 0..<3 { sum += x[b, ny, nx, c] * weight[o, (dy * 3 + dx) * 3 + c] }
                        }
                        expected.append(sum)
                    }
                }
            }
        }
        #expect(relativeError(found.elements, expected) < 2e-6)
    }

    @Test func joiningByHand() {
        let (a, b) = (Tensor(shape: [2, 1, 2], [1, 2, 5, 6]), Tensor(shape: [2, 1, 2], [3, 4, 7, 8]))
        let joined = concatenate([Value(a), Value(b)], axis: 1)
        #expect(joined.shape == [2, 2, 2] && joined.tensor.elements == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(slice(joined, axis: 1, 1..<2).tensor.elements == [3, 4, 7, 8])
        #expect(slice(joined, axis: 2, 0..<1).tensor.elements == [1, 3, 5, 7])
        #expect(slice(joined, axis: 0, 1..<1).shape == [0, 2, 2])
        #expect(repeated(Value(Tensor(shape: [1, 2], [1, 2])), times: 3).tensor.elements == [1, 2, 1, 2, 1, 2])
    }

    @Test func layerNormOverChannels() {
        let x = random([2, 3, 4, 5], seed: 1)
        let (weight, bias) = (random([5], seed: 2), random([5], seed: 3))
        let found = layerNorm(Value(x), weight: Value(weight), bias: Value(bias), epsilon: 1e-6).tensor
        let line = (0..<5).map { Double(x[1, 2, 3, $0]) }
        let centre = line.reduce(0, +) / 5
        let variance = line.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / 5
        for c in 0..<5 {
            let expected = (line[c] - centre) / (variance + 1e-6).squareRoot() * Double(weight[c]) + Double(bias[c])
            #expect(abs(Double(found[1, 2, 3, c]) - expected) < 1e-5)
        }
    }
}

/// Against values that PyTorch 2's `F.interpolate` gave for the same input.
@Suite struct ResizeTests {
    static let table = Tensor(shape: [5, 2], [1, 10, 2, -5, 4, 0, -1, 3, 0, 8])

    @Test func linearTables() {
        let longer: [Float] = [
            1, 10, 1.571429, 1.428572, 2.571429, -3.571428, 4, 0, 0.428571, 2.142858, -0.571429, 5.142858, 0, 8,
        ]
        #expect(relativeError(resizeLinear(Self.table, length: 7).elements, longer) < 1e-6)
        let shorter: [Float] = [1.333333, 5, 4, 0, -0.333333, 6.333333]
        #expect(relativeError(resizeLinear(Self.table, length: 3).elements, shorter) < 1e-6)
        #expect(resizeLinear(Self.table, length: 5).elements == Self.table.elements)
    }

    /// The fused layers are the layers, with the hidden one kept or not.
    @Test(arguments: [3, 45]) func perceptronIsTwoLayers(_ rows: Int) {
        let (x, residual) = (random([3, rows / 3, 5], seed: 1), random([3, rows / 3, 4], seed: 2))
        let expand = (weight: Value(random([9, 5], seed: 3)), bias: Value(random([9], seed: 4)))
        let contract = (weight: Value(random([4, 9], seed: 5)), bias: Value(random([4], seed: 6)))
        let hidden = gelu(linear(Value(x), weight: expand.weight, bias: expand.bias))
        let expected = (linear(hidden, weight: contract.weight, bias: contract.bias) + Value(residual)).tensor
        for input in [Value(x), .parameter(x)] {
            let found = perceptron(input, expand: expand, contract: contract, residual: Value(residual))
            #expect(found.requiresGradient == input.requiresGradient)
            #expect(found.shape == residual.shape)
            #expect(relativeError(found.tensor.elements, expected.elements) < 1e-6)
        }
    }

    @Test(arguments: [3, 45]) func lowRankLinearIsALayerAndItsUpdate(_ rows: Int) {
        let (x, weight, bias) = (Value(random([rows, 5], seed: 1)), random([7, 5], seed: 2), random([7], seed: 3))
        let (down, up) = (Value(random([2, 5], seed: 4)), Value(random([7, 2], seed: 5)))
        let update = scale(linear(linear(x, weight: down, bias: nil), weight: up, bias: nil), by: 0.5)
        let expected = (linear(x, weight: Value(weight), bias: Value(bias)) + update).tensor
        let found = lowRankLinear(x, weight: weight, bias: bias, down: down, up: up, factor: 0.5)
        #expect(relativeError(found.tensor.elements, expected.elements) < 1e-6)
    }
}
