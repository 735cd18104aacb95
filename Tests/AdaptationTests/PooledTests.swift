import Adaptation
import Basics
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// The paper's pooled update, by its definition and by finite differences.
@Suite struct PooledTests {
    static let layout = AdapterLayout(kind: .pooled, rank: 3, lastBlocks: nil, model: tinyModel)

    /// Factors that are all of them random, so that nothing is hidden by a zero.
    static func factors() -> [Tensor] {
        var generator = SeededRandom(seed: 11)
        return layout.entries.map { entry in
            Tensor(shape: entry.shape, (0..<entry.shape.reduce(1, *)).map { _ in generator.uniform() - 0.5 })
        }
    }

    @Test func theUpdateIsTheProductOfTheStackedMeans() throws {
        let factors = Self.factors()
        let adjustment = Self.layout.adjustment(factors.map { Value($0) }, scale: 1)
        let (depth, width) = (Configuration.tiny.depth, Configuration.tiny.width)
        #expect(adjustment.lowRank.count == depth)
        for (offset, projection) in ["q", "v"].enumerated() {
            // ΔW[i, j] = Σ over blocks l of mean over ranks of B_l[i, ·] times mean over ranks of A_l[·, j].
            var expected = [Float](repeating: 0, count: width * width)
            for block in 0..<depth {
                let (down, up) = (
                    factors[4 * block + 2 * offset].elements, factors[4 * block + 2 * offset + 1].elements
                )
                for i in 0..<width {
                    for j in 0..<width {
                        let b = (0..<3).reduce(Float(0)) { $0 + up[i * 3 + $1] } / 3
                        let a = (0..<3).reduce(Float(0)) { $0 + down[$1 * width + j] } / 3
                        expected[i * width + j] += b * a
                    }
                }
            }
            for block in 0..<depth {
                let update = try #require(adjustment.lowRank[block])
                let (down, up) =
                    projection == "q"
                    ? (update.qDown.tensor, update.qUp.tensor) : (update.vDown.tensor, update.vUp.tensor)
                #expect(down.shape == [depth, width] && up.shape == [width, depth])
                for i in 0..<width {
                    for j in 0..<width {
                        let product = (0..<depth).reduce(Float(0)) {
                            $0 + up.elements[i * depth + $1] * down.elements[$1 * width + j]
                        }
                        #expect(abs(product - expected[i * width + j]) < 1e-5)
                    }
                }
            }
        }
    }

    @Test(arguments: [0, 1]) func theMeanOverRanksHasTheRightGradient(_ axis: Int) {
        var generator = SeededRandom(seed: 4)
        let shape = [3, 5]
        let x = Tensor(shape: shape, (0..<15).map { _ in generator.uniform() })
        let weights = (0..<5).map { _ in generator.uniform() }
        func loss(_ x: Tensor) -> Double {
            zip(rankMean(Value(x), axis: axis).tensor.elements, weights).reduce(0) { $0 + Double($1.0 * $1.1) }
        }
        let parameter = Value.parameter(x)
        let mean = rankMean(parameter, axis: axis)
        #expect(mean.shape == (axis == 0 ? [1, 5] : [3, 1]))
        let seed = Tensor(shape: mean.shape, Array(weights.prefix(mean.tensor.count)))
        let found = gradients(of: mean, seed: seed, for: [parameter])[0].elements
        for index in 0..<15 {
            var (more, less) = (x.elements, x.elements)
            more[index] += 0.01
            less[index] -= 0.01
            let numeric = (loss(Tensor(shape: shape, more)) - loss(Tensor(shape: shape, less))) / 0.02
            #expect(abs(numeric - Double(found[index])) < 1e-3)
        }
    }

    /// Through every block of the encoder, which all share the update: the step that a user's adapter is made of.
    @Test func theGradientThroughTheEncoderMatchesFiniteDifferences() {
        let factors = Self.factors().map { Tensor(shape: $0.shape, $0.elements.map { 0.2 * $0 }) }
        let image = Preprocessor(side: Configuration.tiny.imageSize)(discs(1)[0].image)
        func embedding(_ values: [Value]) -> Value {
            ImageEncoder(tinyModel, adjustment: Self.layout.adjustment(values, scale: 1))(Value(image.pixels))
        }
        var generator = SeededRandom(seed: 2)
        let shape = embedding(factors.map { Value($0) }).shape
        let seed = Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in generator.uniform() - 0.5 })
        func loss(_ factors: [Tensor]) -> Double {
            zip(embedding(factors.map { Value($0) }).tensor.elements, seed.elements)
                .reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let parameters = factors.map(Value.parameter)
        let found = gradients(of: embedding(parameters), seed: seed, for: parameters)
        var (analytic, numeric) = ([Double](), [Double]())
        for tensor in factors.indices {
            for _ in 0..<3 {
                let at = generator.index(below: factors[tensor].count)
                func moved(_ distance: Float) -> [Tensor] {
                    var changed = factors
                    var elements = factors[tensor].elements
                    elements[at] += distance
                    changed[tensor] = Tensor(shape: factors[tensor].shape, elements)
                    return changed
                }
                numeric.append((loss(moved(0.01)) - loss(moved(-0.01))) / 0.02)
                analytic.append(Double(found[tensor].elements[at]))
            }
        }
        let error = zip(analytic, numeric).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = numeric.reduce(0) { $0 + $1 * $1 }
        #expect(size > 0 && (error / size).squareRoot() < 0.02, "\(zip(analytic, numeric).map { $0 })")
    }
}
