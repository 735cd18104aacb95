import Adaptation
import Basics
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct LikenessTests {
    /// Up to the edge a map says what its last tokens say; what lies beyond says nothing, and nothing of it bleeds in.
    @Test(arguments: [(48, 64), (64, 40), (64, 64)]) func paddingDoesNotBleedIn(_ width: Int, _ height: Int) throws {
        let example = discs(1, width: width, height: height)[0]
        let embedding = Predictor(tinyModel).embed(example.image)
        let side = embedding.tensor.shape[1]
        let map = SimilarityMap([Float](repeating: 4, count: side * side), embedding)
        let model = tinyModel.configuration
        let logits = map.logits(model).elements
        #expect(logits.allSatisfy { $0 == 4 })
        // But to the decoder there is nothing on the padding, and no probability is expected of it.
        let prompt = try #require(map.prompt(.mask, model)?.maskLogits).elements
        let (geometry, cells) = (embedding.geometry, model.logitsSide)
        for (cell, logit) in prompt.enumerated() {
            let (x, y) = (cell % cells * geometry.side / cells, cell / cells * geometry.side / cells)
            let isImage = x < geometry.resizedWidth && y < geometry.resizedHeight
            #expect(logit == (isImage ? 4 : -8), "\(cell)")
        }
        #expect(map.prediction(model).mask().area == width * height)
    }

    private static let side = 16

    /// Two things that look alike, of which the object is the one on the left.
    private func image(_ seed: UInt64) -> (embedding: ImageEmbedding, tokens: MaskTarget) {
        var generator = SeededRandom(seed: seed)
        let (shift, count) = (generator.index(below: 3), Self.side * Self.side)
        func isThing(_ token: Int, at column: Int) -> Bool {
            let (x, y) = (token % Self.side, token / Self.side)
            return abs(x - column - shift) <= 1 && abs(y - 8) <= 2
        }
        let features = (0..<count).map { token -> Float in
            (isThing(token, at: 3) || isThing(token, at: 11) ? 1 : 0) + 0.1 * generator.uniform()
        }
        let embedding = ImageEmbedding(
            tensor: Tensor(shape: [1, Self.side, Self.side, 1], features),
            geometry: ImageGeometry(width: 64, height: 64, side: 64))
        let truth = (0..<count).map { isThing($0, at: 3) ? Float(1) : 0 }
        return (embedding, MaskTarget(side: Self.side, truth: truth, weight: [Float](repeating: 1, count: count)))
    }

    private func dice(_ map: SimilarityMap, _ tokens: MaskTarget) -> Double {
        let both = zip(map.values, tokens.truth).reduce(0.0) { $0 + ($1.0 > 0 ? Double($1.1) : 0) }
        let sum = Double(map.values.count { $0 > 0 }) + Double(tokens.truth.reduce(0, +))
        return sum == 0 ? 1 : 2 * both / sum
    }

    @Test func tellsApartWhatOnlyItsPlaceDoes() throws {
        let profiler = try LikenessProfiler((0..<6).map { image($0) }, limit: 16, pause: {})
        let likeness = try #require(profiler.likeness)
        let query = image(40)
        let found = dice(likeness.map(query.embedding), query.tokens)
        // The best that tokens alone could do, wherever they are cut: half of what they find is the other thing.
        let bare = try #require(Prototypes(FeatureMoments(query.embedding, target: query.tokens)))
        let best = stride(from: Float(-6), through: 6, by: 0.25).map { shift in
            dice(SimilarityMap(bare.lowered(by: shift).similarity(query.embedding), query.embedding), query.tokens)
        }
        let alone = try #require(best.max())
        #expect(found > 0.85 && alone < 0.75, "\(alone) alone, \(found) in its place")
    }

    /// Each image is seen by what the others teach: the map is that of a set without it, but for where it is cut.
    @Test func mapsAreDrawnWithoutTheImage() throws {
        let images = (0..<4).map { image($0) }
        let profiler = try LikenessProfiler(images, limit: 3, pause: {})
        #expect(profiler.maps.count == 3)
        for (index, map) in profiler.maps.enumerated() {
            let others = images.indices.filter { $0 != index }.map { images[$0] }
            let likeness = try #require(try LikenessProfiler(others, limit: 3, pause: {}).likeness)
            let found = try #require(map)
            let without = zip(found.values, likeness.map(images[index].embedding).values).map { $0 - $1 }
            #expect(without.allSatisfy { abs($0 - without[0]) < 1e-2 })
            let own = try #require(profiler.others[index]).map(images[index].embedding)
            #expect(zip(own.values, found.values).allSatisfy { abs($0 - $1) < 1e-3 })
            let whole = try #require(profiler.likeness).map(images[index].embedding)
            let with = zip(found.values, whole.values).map { $0 - $1 }
            #expect(with.contains { abs($0 - with[0]) > 0.1 })
        }
    }

    @Test func oneImageIsEnough() throws {
        let only = image(1)
        let profiler = try LikenessProfiler([only], limit: 16, pause: {})
        let map = try #require(profiler.maps[0])
        #expect(dice(map, only.tokens) > 0.9)
        let again = try #require(profiler.likeness).map(only.embedding).values
        #expect(zip(again, map.values).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test func needsBothKinds() throws {
        let (embedding, tokens) = image(1)
        let full = MaskTarget(side: Self.side, truth: tokens.weight, weight: tokens.weight)
        let profiler = try LikenessProfiler([(embedding, full), (embedding, full)], limit: 16, pause: {})
        #expect(profiler.likeness == nil)
        #expect(profiler.maps.allSatisfy { $0 == nil } && profiler.maps.count == 2)
    }
}
