import Adaptation
import Basics
import Glibc
import Imaging
import Testing

/// Noise over a slope of brightness, in other colours.
func noisyImage(width: Int, height: Int, seed: UInt64 = 5) -> RGBImage {
    var random = SeededRandom(seed: seed)
    return RGBImage(
        width: width, height: height,
        pixels: (0..<width * height * 3).map {
            UInt8(min(255, 40 + $0 % 7 + ($0 / 3) % width + random.index(below: 60)))
        })
}

@Suite struct LocalContrastTests {
    /// Beside a mean and a deviation taken pixel by pixel over the window.
    @Test(arguments: [(9, 7), (1, 1), (1, 60), (70, 2), (61, 55)]) func isThatOfTheWindow(_ width: Int, _ height: Int) {
        let plane = ColourChannel.green.plane(noisyImage(width: width, height: height))
        let local = LocalContrast(plane, width: width, height: height)
        for (x, y) in [(0, 0), (width - 1, height - 1), (width / 2, height / 2), (width / 3, 2 * height / 3)] {
            var values: [Double] = []
            for row in max(0, y - LocalContrast.reach)...min(height - 1, y + LocalContrast.reach) {
                for column in max(0, x - LocalContrast.reach)...min(width - 1, x + LocalContrast.reach) {
                    values.append(Double(plane[row * width + column]))
                }
            }
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            let deviation = variance.squareRoot() + LocalContrast.noise
            let pixel = y * width + x
            #expect(abs(Double(local.mean[pixel]) - mean) < 1e-3)
            #expect(abs(Double(local.deviation[pixel]) - deviation) < 1e-3)
            #expect(abs(Double(local.contrast[pixel]) - (Double(plane[pixel]) - mean) / deviation) < 1e-4)
        }
    }

    @Test func channelsAreThoseOfTheImage() {
        let image = RGBImage(width: 2, height: 1, pixels: [30, 60, 90, 1, 2, 3])
        #expect(ColourChannel.mean.plane(image) == [60, 2])
        #expect(ColourChannel.red.plane(image) == [30, 1])
        #expect(ColourChannel.green.plane(image) == [60, 2])
        #expect(ColourChannel.blue.plane(image) == [90, 3])
        #expect(!image.isGrey && RGBImage(width: 2, height: 1, grey: [4, 9]).isGrey)
    }
}

@Suite struct PixelFeaturesTests {
    /// Every feature of a few pixels by sums over all pixels, with the Gaussian and its derivatives as they are written down.
    @Test(arguments: [(23, 17), (5, 40), (1, 1)]) func areThoseOfTheGaussianAndItsDerivatives(
        _ width: Int, _ height: Int
    ) {
        let features = PixelFeatures(noisyImage(width: width, height: height), .red)
        let block = features.block(rows: 0..<height)
        func at(_ x: Int, _ y: Int) -> Double {
            Double(features.contrast.contrast[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)])
        }
        for (x, y) in [(0, 0), (width - 1, height / 2), (width / 2, height / 3)] {
            for (index, sigma) in PixelFeatures.scales.enumerated() {
                let radius = Int((3 * sigma).rounded(.up))
                let bell = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
                let total = bell.reduce(0, +)
                let curve = (-radius...radius).map { Double($0 * $0) / (sigma * sigma) - 1 }
                let rest = zip(curve, bell).reduce(0) { $0 + $1.0 * $1.1 } / total
                var (smooth, dx, dy, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
                for j in -radius...radius {
                    for i in -radius...radius {
                        let weight = bell[i + radius] * bell[j + radius] / (total * total) * at(x + i, y + j)
                        smooth += weight
                        dx += weight * Double(i) / sigma
                        dy += weight * Double(j) / sigma
                        xy += weight * Double(i * j) / (sigma * sigma)
                        xx += weight * (curve[i + radius] - rest)
                        yy += weight * (curve[j + radius] - rest)
                    }
                }
                let reach = ((xx - yy) * (xx - yy) / 4 + xy * xy).squareRoot()
                let expected = [smooth, (xx + yy) / 2 + reach, (xx + yy) / 2 - reach, (dx * dx + dy * dy).squareRoot()]
                for (offset, value) in expected.enumerated() {
                    let found = block.values[(3 + 4 * index + offset) * block.count + y * width + x]
                    #expect(abs(Double(found) - min(max(value, -4), 4)) < 1e-4, "σ \(sigma), \(offset) at \(x), \(y)")
                }
            }
        }
    }

    @Test func bandsAreTheWhole() {
        let features = PixelFeatures(noisyImage(width: 19, height: 45), .mean)
        let whole = features.block(rows: 0..<45)
        let (top, bottom) = (features.block(rows: 0..<13), features.block(rows: 13..<45))
        for feature in 0..<PixelFeatures.count {
            let all = whole.values[feature * whole.count..<(feature + 1) * whole.count]
            #expect(
                Array(all)
                    == Array(top.values[feature * top.count..<(feature + 1) * top.count])
                    + Array(bottom.values[feature * bottom.count..<(feature + 1) * bottom.count]))
        }
    }

    @Test func theMirrorImageHasTheSame() {
        let image = noisyImage(width: 31, height: 20)
        let (one, other) = (PixelFeatures(image, .blue), PixelFeatures(image.flippedHorizontally(), .blue))
        let (plain, mirrored) = (one.block(rows: 0..<20), other.block(rows: 0..<20))
        for feature in 0..<PixelFeatures.count {
            for pixel in 0..<plain.count {
                let mirror = pixel / 31 * 31 + 30 - pixel % 31
                let distance =
                    plain.values[feature * plain.count + pixel] - mirrored.values[feature * plain.count + mirror]
                #expect(abs(distance) < 1e-4)
            }
        }
    }

    @Test func anEvenImageHasNoFeature() {
        let image = RGBImage(width: 12, height: 9, filledWith: Colour(red: 128, green: 128, blue: 128))
        let block = PixelFeatures(image, .mean).block(rows: 0..<9)
        #expect(block.values.allSatisfy { abs($0) < 1e-5 || abs($0 - Float(LocalContrast.noise / 32)) < 1e-5 })
    }

    @Test func similarityIsTheSumOverTheTerms() throws {
        let block = PixelFeatures(noisyImage(width: 30, height: 20), .green).block(rows: 2..<20)
        var random = SeededRandom(seed: 2)
        let prototypes = Prototypes(
            direction: (0..<FeatureBlock.termCount).map { _ in random.uniform() - 0.5 }, offset: 0.25)
        let terms = block.terms(0..<block.count)
        #expect(terms.count == block.count * FeatureBlock.termCount)
        for (pixel, value) in block.similarity(prototypes).enumerated() {
            let own = terms[pixel * FeatureBlock.termCount..<(pixel + 1) * FeatureBlock.termCount]
            let expected = zip(own, prototypes.direction).reduce(0.25) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(Double(value) - expected) < 1e-3)
        }
        // Features first, then each with itself and the later ones.
        let features = (0..<PixelFeatures.count).map { block.values[$0 * block.count + 7] }
        var expected = features
        for first in features.indices { expected += features[first...].map { features[first] * $0 } }
        #expect(block.terms(7..<8) == expected)
    }
}
