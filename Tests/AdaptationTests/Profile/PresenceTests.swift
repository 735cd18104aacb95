import Adaptation
import SegmentAnything
import Tensor
import Testing

@Suite struct PresenceTests {
    @Test func liesBetweenWhatWasSeenAndWhatLiesBeside() {
        let presence = Presence(tokenCount: 2, found: [5, 4.5, 4.75], absent: [-1, 0, 1])
        #expect(presence.threshold == 2.75)
        #expect(presence.scale == 2.375)
        // Images that differ much among themselves make it careful.
        #expect(Presence(tokenCount: 2, found: [9, 3, 7], absent: [-1, 0, 1]).threshold == -5)
    }

    @Test func findsEverySupportImageWhenTheTwoOverlap() {
        let presence = Presence(tokenCount: 2, found: [5, 1, 4], absent: [2, 3])
        #expect(presence.threshold < 1)
        let alike = Presence(tokenCount: 1, found: [1, 1], absent: [1, 1])
        #expect(alike.threshold < 1)
        #expect(alike.scale > 0)
    }

    @Test func withoutAnythingBesideItRejectsLittle() {
        #expect(Presence(tokenCount: 1, found: [2, 3], absent: []).threshold == 1)
    }

    @Test func isTheMeanOfTheBest() {
        #expect(Presence.statistic([1, 5, 3, -9], tokenCount: 2) == 4)
        #expect(Presence.statistic([1], tokenCount: 5) == 1)
        #expect(Presence.statistic([], tokenCount: 1) == nil)
    }

    @Test func scoresAHalfAtTheThreshold() {
        let side = SegmentAnything.Configuration.tiny.grid
        let geometry = ImageGeometry(width: 9, height: 9, side: SegmentAnything.Configuration.tiny.imageSize)
        func score(_ value: Float) -> Double {
            let tensor = Tensor(filled: value, shape: [1, side, side, 1])
            let embedding = ImageEmbedding(tensor: tensor, geometry: geometry)
            return Presence(tokenCount: 3, threshold: 2, scale: 1)
                .score(SimilarityMap(tensor.elements, embedding))
        }
        #expect(abs(score(2) - 0.5) < 1e-6)
        #expect(score(4) > 0.9 && score(0) < 0.1)
        #expect(score(-1e9) == 0)
    }
}

extension PresenceTests {
    /// A ribbon thinner than a token fills none by half, and may show the object all the same.
    @Test func aRibbonIsLookedAtToo() {
        let configuration = SegmentAnything.Configuration.tiny
        let geometry = ImageGeometry(width: 40 * configuration.grid, height: 10, side: configuration.imageSize)
        let tensor = Tensor(filled: 4, shape: [1, configuration.grid, configuration.grid, 1])
        let map = SimilarityMap(tensor.elements, ImageEmbedding(tensor: tensor, geometry: geometry))
        #expect(map.weight.allSatisfy { $0 < 0.5 } && map.weight.contains { $0 > 0 })
        #expect(Presence(tokenCount: 3, threshold: 2, scale: 1).score(map) > 0.9)
    }
}

@Suite struct EmbeddingDistanceTests {
    private func embedding(_ value: Float, spread: Float = 0) -> ImageEmbedding {
        let geometry = ImageGeometry(width: 32, height: 16, side: 32)
        let features = (0..<64).map { token in
            // The lower half is padding: what lies there must not count.
            token >= 32 ? 1e6 : value + (token.isMultiple(of: 2) ? spread : -spread)
        }
        return ImageEmbedding(tensor: Tensor(shape: [1, 8, 8, 1], features), geometry: geometry)
    }

    @Test func describesTheImageAndNotThePadding() {
        let descriptor = EmbeddingDistance.descriptor(embedding(3, spread: 2))
        #expect(abs(descriptor[0] - 3) < 1e-5)
        #expect(abs(descriptor[1] - 2) < 1e-5)
    }

    @Test func measuresInTheSetsOwnDistances() throws {
        let distance = EmbeddingDistance(
            descriptors: [0, 1, 3].map { EmbeddingDistance.descriptor(embedding($0)) })
        #expect(distance.reference == 2)
        #expect(abs(try #require(distance.value(embedding(1.5))) - 0.25) < 1e-5)
        #expect(abs(try #require(distance.value(embedding(13))) - 5) < 1e-5)
    }

    @Test func anEvenImageIsBlank() {
        let set = EmbeddingDistance(descriptors: [4, 2].map { EmbeddingDistance.descriptor(embedding(1, spread: $0)) })
        #expect(set.isBlank(embedding(1, spread: 0.7)))
        #expect(!set.isBlank(embedding(1, spread: 0.9)))
        // Of a set that is even itself no image is blank, nor of one that is not known.
        #expect(!EmbeddingDistance(descriptors: [EmbeddingDistance.descriptor(embedding(1))]).isBlank(embedding(5)))
        #expect(!EmbeddingDistance(descriptors: []).isBlank(embedding(5)))
    }

    @Test func saysNothingWithoutTwoDifferentImages() {
        let one = EmbeddingDistance(descriptors: [EmbeddingDistance.descriptor(embedding(1))])
        #expect(one.value(embedding(9)) == nil)
        let same = EmbeddingDistance(descriptors: [1, 1].map { EmbeddingDistance.descriptor(embedding($0)) })
        #expect(same.value(embedding(9)) == nil)
    }
}
