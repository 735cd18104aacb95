import Adaptation
import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Two clouds of tokens with one covariance, and a geometry without padding.
private struct Tokens {
    static let side = 16
    static let channels = 3
    let embedding: ImageEmbedding
    let target: MaskTarget

    init(seed: UInt64 = 1, distance: Float = 2) {
        var generator = SeededRandom(seed: seed)
        let count = Self.side * Self.side
        let truth = (0..<count).map { Float($0 % Self.side < 5 ? 1 : 0) }
        var features: [Float] = []
        for token in 0..<count {
            let common = 4 * (generator.uniform() - 0.5)
            // The first channel alone is mostly noise that the second shares: only their difference tells.
            let signal = truth[token] * distance + 0.5 * (generator.uniform() - 0.5)
            features += [common + signal, common, generator.uniform()]
        }
        embedding = ImageEmbedding(
            tensor: Tensor(shape: [1, Self.side, Self.side, Self.channels], features),
            geometry: ImageGeometry(width: 64, height: 64, side: 64))
        target = MaskTarget(side: Self.side, truth: truth, weight: [Float](repeating: 1, count: count))
    }
}

@Suite struct PrototypesTests {
    /// Against sums by the plain loop, with cells that are partly object and partly padding.
    @Test func momentsAreThoseOfThePlainLoop() {
        let tokens = Tokens()
        var generator = SeededRandom(seed: 5)
        let count = Tokens.side * Tokens.side
        let target = MaskTarget(
            side: Tokens.side, truth: (0..<count).map { _ in generator.uniform() },
            weight: (0..<count).map { _ in generator.index(below: 3) == 0 ? 0 : generator.uniform() })
        let moments = FeatureMoments(tokens.embedding, target: target)
        let features = tokens.embedding.tensor.elements
        var (inside, second) = ([Double](repeating: 0, count: 3), [Double](repeating: 0, count: 9))
        var weight = 0.0
        for token in 0..<count {
            let share = Double(target.weight[token] * target.truth[token])
            weight += share
            for row in 0..<3 {
                inside[row] += share * Double(features[token * 3 + row])
                for column in 0..<3 {
                    second[row * 3 + column] +=
                        Double(target.weight[token] * features[token * 3 + row] * features[token * 3 + column])
                }
            }
        }
        #expect(abs(moments.inside.weight - weight) < 1e-9)
        #expect(relativeError(moments.inside.sum.map(Float.init), inside.map(Float.init)) < 1e-5)
        #expect(relativeError(moments.second.map(Float.init), second.map(Float.init)) < 1e-5)
        // Leaving an image out is the set without it.
        let other = FeatureMoments(Tokens(seed: 2).embedding, target: target)
        let difference = (moments + other) - other
        #expect(relativeError(difference.second.map(Float.init), moments.second.map(Float.init)) < 1e-6)
    }

    @Test func separateWhatNoChannelSeparatesAlone() throws {
        let tokens = Tokens()
        let prototypes = try #require(Prototypes(FeatureMoments(tokens.embedding, target: tokens.target)))
        let fresh = Tokens(seed: 9)
        let right = zip(prototypes.similarity(fresh.embedding), fresh.target.truth).count { ($0 > 0) == ($1 > 0) }
        #expect(right > 250, "\(right) of 256")
    }

    @Test func needBothKinds() {
        let tokens = Tokens()
        let ones = [Float](repeating: 1, count: 256)
        let full = MaskTarget(side: 16, truth: ones, weight: ones)
        let empty = MaskTarget(side: 16, truth: ones.map { _ in 0 }, weight: ones)
        #expect(Prototypes(FeatureMoments(tokens.embedding, target: full)) == nil)
        #expect(Prototypes(FeatureMoments(tokens.embedding, target: empty)) == nil)
    }

    /// Tokens that are all alike leave no direction; the shrinkage keeps the solution finite.
    @Test func survivesTokensWithoutSpread() throws {
        let tensor = Tensor(filled: 1, shape: [1, 16, 16, 3])
        let embedding = ImageEmbedding(tensor: tensor, geometry: Tokens().embedding.geometry)
        let prototypes = try #require(Prototypes(FeatureMoments(embedding, target: Tokens().target)))
        #expect(prototypes.similarity(embedding).allSatisfy { $0.isFinite })
    }

    @Test(arguments: [1, 2, 7, 20]) func choleskySolves(_ n: Int) throws {
        var generator = SeededRandom(seed: UInt64(n))
        let root = (0..<n * n).map { _ in Double(generator.uniform()) - 0.5 }
        var a = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            for j in 0..<n {
                a[i * n + j] = (i == j ? 0.1 : 0) + (0..<n).reduce(0) { $0 + root[i * n + $1] * root[j * n + $1] }
            }
        }
        let x = (0..<n).map { _ in Double(generator.uniform()) }
        let b = (0..<n).map { i in (0..<n).reduce(0) { $0 + a[i * n + $1] * x[$1] } }
        let solved = try #require(Cholesky.solve(a, b))
        #expect(zip(solved, x).allSatisfy { abs($0 - $1) < 1e-7 })
        a[0] = -1
        #expect(Cholesky.solve(a, b) == nil)
    }
}

@Suite struct SimilarityMapTests {
    /// An embedding of one channel that says itself where the object is, on an image that fills half of the square.
    private func map(_ value: (Int, Int) -> Float) -> SimilarityMap {
        let side = SegmentAnything.Configuration.tiny.grid
        let geometry = ImageGeometry(width: 100, height: 50, side: SegmentAnything.Configuration.tiny.imageSize)
        let features = (0..<side * side).map { value($0 % side, $0 / side) }
        let tensor = Tensor(shape: [1, side, side, 1], features)
        return SimilarityMap(features, ImageEmbedding(tensor: tensor, geometry: geometry))
    }

    private let model = SegmentAnything.Configuration.tiny

    @Test func pointsAtThePeakWithinTheImage() throws {
        let side = model.grid
        // The largest value lies on the padding and must not be taken.
        let map = map { x, y in y >= side / 2 ? 99 : x == 2 && y == 1 ? 3 : -1 }
        let point = try #require(map.prompt(.point, model)?.points.first)
        let pixels = 100 / Float(side)
        #expect(abs(point.x - (2.5 * pixels - 0.5)) <= 1)
        #expect(abs(point.y - (1.5 * pixels - 0.5)) <= 1)
        #expect(point.isForeground)
    }

    @Test func boxesTheLikeliestRegion() throws {
        let side = model.grid
        let map = map { x, y in (x, y) == (0, 0) ? 1 : (x == side - 1 || x == side - 2) && y == 1 ? 2 : -2 }
        let box = try #require(map.prompt(.box, model)?.box)
        #expect(box.x1 == 99)
        #expect(box.x0 > 99 - 2.5 * 100 / Float(side))
        #expect(box.x0 < box.x1 && box.y0 < box.y1)
        try #require(map.prompt(.box, model)).check(width: 100, height: 50, logitsSide: model.logitsSide)
        // Where nothing is likely, the least unlikely.
        let dark = self.map { x, y in (x, y) == (1, 1) ? -3 : -9 }
        try #require(dark.prompt(.box, model)).check(width: 100, height: 50, logitsSide: model.logitsSide)
    }

    @Test func drawsAMaskOrAMaskPrompt() throws {
        let map = map { x, _ in x == 1 ? 40 : -4 }
        let prompt = try #require(map.prompt(.mask, model)?.maskLogits)
        #expect(prompt.shape == [model.logitsSide, model.logitsSide])
        #expect(prompt.elements.max() == 8 && prompt.elements.min() == -8)
        let mask = map.prediction(model).mask()
        #expect(mask.width == 100 && mask.height == 50)
        let column = 100 / model.grid * 3 / 2
        #expect(mask[column, 10] && !mask[99, 10])
        #expect(map.prompt(.map, model) == nil)
        #expect(map.prompt(.model, model) == Prompt.none)
    }

    /// The padding is as unlikely as can be, but a likelihood so low is no likelier for it.
    @Test func neverPointsAtThePadding() throws {
        let map = map { x, y in x == 2 && y == 1 ? -50 : -90 }
        let point = try #require(map.prompt(.point, model)?.points.first)
        #expect(point.y < 49 && abs(point.x - (2.5 * 100 / Float(model.grid) - 0.5)) <= 1)
        let box = try #require(map.prompt(.box, model)?.box)
        #expect(box.x1 < 99 && box.y1 <= 49)
    }

    /// The fast resize against the definition: bilinear between the centres of tokens.
    @Test func mapsArePutOnTheDecodersGridByBilinearInterpolation() {
        let (grid, side) = (model.grid, model.logitsSide)
        var generator = SeededRandom(seed: 3)
        let tokens = (0..<grid * grid).map { _ in generator.uniform() }
        let found = Prompt.maskLogits(tokens: tokens, model: model).elements
        func token(_ x: Int, _ y: Int) -> Float { tokens[min(max(y, 0), grid - 1) * grid + min(max(x, 0), grid - 1)] }
        for y in 0..<side {
            for x in 0..<side {
                let (u, v) = ((Float(x) + 0.5) / 4 - 0.5, (Float(y) + 0.5) / 4 - 0.5)
                let (left, top) = (u.rounded(.down), v.rounded(.down))
                let (i, j) = (Int(left), Int(top))
                let above = token(i, j) + (u - left) * (token(i + 1, j) - token(i, j))
                let below = token(i, j + 1) + (u - left) * (token(i + 1, j + 1) - token(i, j + 1))
                #expect(abs(found[y * side + x] - (above + (v - top) * (below - above))) < 1e-5)
            }
        }
    }
}
