import Adaptation
import Basics
import Glibc
import SegmentAnything
import Tensor
import Testing

@Suite struct TokenFeaturesTests {
    private static let (side, channels) = (32, 3)

    private func embedding(_ geometry: ImageGeometry, _ value: (Int, Int) -> Float) -> ImageEmbedding {
        let count = Self.side * Self.side
        let tokens = (0..<count).flatMap { token in (0..<Self.channels).map { value(token, $0) } }
        return ImageEmbedding(
            tensor: Tensor(shape: [1, Self.side, Self.side, Self.channels], tokens), geometry: geometry)
    }

    /// An image that fills 20 rows of tokens and half of the next; on the padding, what must not count.
    private func random(padding: Float) -> ImageEmbedding {
        var generator = SeededRandom(seed: 4)
        let values = (0..<Self.side * Self.side * Self.channels).map { _ in generator.uniform() }
        return embedding(ImageGeometry(width: 256, height: 164, side: 256)) { token, channel in
            token / Self.side > 20 ? padding : values[token * Self.channels + channel]
        }
    }

    /// The share of each row of tokens that is image.
    private func share(row: Int) -> Float { row < 20 ? 1 : row == 20 ? 0.5 : 0 }

    /// Against the definitions, one token after the other.
    @Test func areThoseOfThePlainLoops() {
        let embedding = random(padding: 7)
        let features = TokenFeatures(embedding)
        #expect(features.count == 2 * Self.channels + 25)
        let tokens = embedding.tensor.elements
        let all = (0..<Self.side * Self.side).map { ($0 % Self.side, $0 / Self.side) }
        func value(_ x: Int, _ y: Int, _ channel: Int) -> Double {
            Double(tokens[(y * Self.side + x) * Self.channels + channel])
        }
        let total = all.reduce(0.0) { $0 + Double(share(row: $1.1)) }
        let mean = (0..<Self.channels).map { channel in
            all.reduce(0.0) { $0 + Double(share(row: $1.1)) * value($1.0, $1.1, channel) } / total
        }
        for (x, y) in all where share(row: y) > 0 {
            let start = (y * Self.side + x) * features.count
            let near = all.filter { abs($0.0 - x) <= 2 && abs($0.1 - y) <= 2 }
            let weight = near.reduce(0.0) { $0 + Double(share(row: $1.1)) }
            for channel in 0..<Self.channels {
                let own = value(x, y, channel) - mean[channel]
                #expect(abs(Double(features.values[start + channel]) - own) < 1e-5)
                let around =
                    near.reduce(0.0) { $0 + Double(share(row: $1.1)) * (value($1.0, $1.1, channel) - mean[channel]) }
                    / weight
                #expect(abs(Double(features.values[start + Self.channels + channel]) - around) < 1e-5)
            }
            // The image is 32 tokens wide and 20.5 high.
            let (across, down) = ((Double(x) + 0.5) / 16 - 1, (Double(y) + 0.5) / 10.25 - 1)
            for row in 0..<5 {
                for column in 0..<5 {
                    let (u, v) = (across - 0.4 * Double(column - 2), down - 0.4 * Double(row - 2))
                    let found = features.values[start + 2 * Self.channels + 5 * row + column]
                    #expect(abs(Double(found) - exp(-(u * u + v * v) / 0.32)) < 1e-4)
                }
            }
        }
    }

    @Test func thePaddingTellsNothing() {
        #expect(TokenFeatures(random(padding: 0)).values == TokenFeatures(random(padding: 1e6)).values)
    }

    /// An image as a whole brighter than the support set is no other image.
    @Test func areOfTheTokensAgainstTheirMean() {
        let geometry = ImageGeometry(width: 64, height: 64, side: 64)
        func features(_ shift: Float) -> [Float] {
            TokenFeatures(embedding(geometry) { token, channel in Float(token % 7 * (channel + 1)) + shift }).values
        }
        #expect(zip(features(0), features(50)).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    /// In the mirror image a place lies on the other side, and is told as if it did not.
    @Test func mirrorImagesAreToldByThePlacesOfTheImage() {
        let embedding = random(padding: 0)
        let features = TokenFeatures(embedding)
        let tokens = embedding.tensor.elements
        let mirrored = self.embedding(embedding.geometry) { token, channel in
            let (x, y) = (token % Self.side, token / Self.side)
            return tokens[(y * Self.side + Self.side - 1 - x) * Self.channels + channel]
        }
        let found = TokenFeatures(mirrored, isMirrored: true)
        for token in 0..<Self.side * Self.side {
            let (x, y) = (token % Self.side, token / Self.side)
            let other = y * Self.side + Self.side - 1 - x
            for feature in 0..<features.count {
                let (one, two) = (
                    features.values[token * features.count + feature], found.values[other * features.count + feature]
                )
                #expect(abs(one - two) < 1e-4)
            }
        }
        #expect(TokenFeatures(embedding, isMirrored: true).values != features.values)
    }

    /// A ribbon lies within one row of tokens, whose middle is padding.
    @Test func ribbonsHaveAPlace() {
        let geometry = ImageGeometry(width: 5_000, height: 1, side: 256)
        let features = TokenFeatures(embedding(geometry) { token, _ in Float(token) })
        #expect(features.values.allSatisfy { $0.isFinite })
        let places = features.values[2 * Self.channels..<features.count]
        #expect(places.contains { $0 > 0.5 })
    }

    /// The coarsest grids have neighbourhoods as well.
    @Test func reachesATokenAtLeast() {
        let geometry = ImageGeometry(width: 64, height: 64, side: 64)
        let tensor = Tensor(shape: [1, 2, 2, 1], [1, 2, 3, 6])
        let features = TokenFeatures(ImageEmbedding(tensor: tensor, geometry: geometry))
        // All four are each one's neighbourhood, and lie about their mean.
        #expect((0..<4).allSatisfy { abs(features.values[$0 * features.count + 1]) < 1e-6 })
        #expect((0..<4).map { features.values[$0 * features.count] } == [-2, -1, 0, 3])
    }
}
