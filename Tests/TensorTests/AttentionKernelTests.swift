import Tensor
import TestSupport
import Testing

/// The attention kernels of every instruction set against the naive twin, one head at a time and at sizes around their
/// tiles: 256 keys, blocks of 48 or 64 queries, vectors of 4 to 16 channels.
@Suite struct AttentionKernelTests {
    struct Size: Sendable {
        var queries, keys, depth, valueDepth: Int
        var grid: (height: Int, width: Int)?
    }

    static let sizes: [Size] = [
        Size(queries: 1, keys: 1, depth: 1, valueDepth: 1), Size(queries: 3, keys: 5, depth: 2, valueDepth: 7),
        Size(queries: 47, keys: 31, depth: 8, valueDepth: 8), Size(queries: 49, keys: 33, depth: 16, valueDepth: 17),
        Size(queries: 7, keys: 256, depth: 32, valueDepth: 32), Size(queries: 12, keys: 257, depth: 33, valueDepth: 31),
        Size(queries: 25, keys: 600, depth: 5, valueDepth: 40), Size(queries: 1, keys: 300, depth: 64, valueDepth: 64),
    ]
    static let grids: [(height: Int, width: Int, depth: Int)] = [
        (1, 1, 3), (2, 3, 4), (3, 2, 5), (7, 7, 8), (14, 14, 16), (16, 16, 32), (5, 33, 8), (20, 20, 7), (2, 300, 4),
    ]

    private func forward(_ kernels: Kernels, _ size: Size, q: Tensor, k: Tensor, v: Tensor, tables: (Tensor, Tensor)?)
        -> (out: [Float], logSums: [Float])
    {
        var (out, logSums) = (
            [Float](repeating: 0, count: size.queries * size.valueDepth), [Float](repeating: 0, count: size.queries)
        )
        q.withUnsafeElements { q in
            k.withUnsafeElements { k in
                v.withUnsafeElements { v in
                    out.withUnsafeMutableBufferPointer { out in
                        logSums.withUnsafeMutableBufferPointer { logSums in
                            guard let q = q.baseAddress, let k = k.baseAddress, let v = v.baseAddress,
                                let out = out.baseAddress
                            else { return }
                            var head = AttentionHead(
                                q: (q, size.depth), k: (k, size.depth), v: (v, size.valueDepth),
                                out: (out, size.valueDepth),
                                logSums: logSums.baseAddress, queries: size.queries, keys: size.keys,
                                depth: size.depth, valueDepth: size.valueDepth,
                                scale: 1 / Float(size.depth).squareRoot())
                            guard let tables, let grid = size.grid else { return kernels.attention(head) }
                            tables.0.withUnsafeElements { heights in
                                tables.1.withUnsafeElements { widths in
                                    guard let heights = heights.baseAddress, let widths = widths.baseAddress else {
                                        return
                                    }
                                    head.setPositions(
                                        heights: heights, widths: widths, height: grid.height, width: grid.width,
                                        firstQuery: 0)
                                    kernels.attention(head)
                                }
                            }
                        }
                    }
                }
            }
        }
        return (out, logSums)
    }

    @Test(arguments: Row.all) func matchesTheNaiveTwin(_ row: Row) {
        for size in Self.sizes {
            let q = random([1, size.queries, size.depth], seed: 1)
            let k = random([1, size.keys, size.depth], seed: 2)
            let v = random([1, size.keys, size.valueDepth], seed: 3)
            let found = forward(row.kernels, size, q: q, k: k, v: v, tables: nil).out
            let error = relativeError(found, naiveAttention(q: q, k: k, v: v, heads: 1).elements)
            #expect(error < 2e-6, "\(size): error \(error)")
        }
    }

    @Test(arguments: Row.all) func matchesTheNaiveTwinWithPositions(_ row: Row) {
        for (height, width, depth) in Self.grids {
            let tokens = height * width
            let size = Size(
                queries: tokens, keys: tokens, depth: depth, valueDepth: depth, grid: (height, width))
            let q = random([1, tokens, depth], seed: 4)
            let k = random([1, tokens, depth], seed: 5)
            let v = random([1, tokens, depth], seed: 6)
            let (heights, widths) = (
                random([2 * height - 1, depth], seed: 7), random([2 * width - 1, depth], seed: 8)
            )
            let found = forward(row.kernels, size, q: q, k: k, v: v, tables: (heights, widths)).out
            let expected = naiveAttention(q: q, k: k, v: v, heads: 1, positions: (heights, widths, width))
            let error = relativeError(found, expected.elements)
            #expect(error < 3e-6, "\(height) x \(width), depth \(depth): error \(error)")
        }
    }

    /// Scores far beyond what an exponential holds, with the maximum in a late tile: the running rescale must carry it.
    @Test(arguments: Row.all) func survivesLargeScores(_ row: Row) {
        let size = Size(queries: 3, keys: 700, depth: 4, valueDepth: 4)
        let q = Tensor(filled: 40, shape: [1, 3, 4])
        let k = Tensor(shape: [1, 700, 4], (0..<2800).map { Float($0 / 4 % 699) * 0.01 - 3 })
        let v = random([1, 700, 4], seed: 9)
        let found = forward(row.kernels, size, q: q, k: k, v: v, tables: nil).out
        #expect(relativeError(found, naiveAttention(q: q, k: k, v: v, heads: 1).elements) < 1e-4)
    }
}
