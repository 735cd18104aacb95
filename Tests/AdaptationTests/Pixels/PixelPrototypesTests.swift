import Adaptation
import Basics
import Glibc
import Imaging
import SegmentAnything
import Tensor
import Testing

/// Thin waves, darker than their surroundings in green alone, on ground of uneven brightness: what no cell of a model can draw.
func waves(
    _ count: Int, width: Int = 150, height: Int = 120, thickness: Double = 0.9, pitch: Double = 18, seed: UInt64 = 1
) -> [Example] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in
        let lines = (0..<6).map { line in
            (
                y: 12 + pitch * Double(line) + 4 * Double(random.uniform()), height: 3 + 5 * Double(random.uniform()),
                length: 14 + 10 * Double(random.uniform()), start: 6 * Double(random.uniform())
            )
        }
        var (pixels, mask) = ([UInt8](), [UInt8]())
        for y in 0..<height {
            for x in 0..<width {
                let isLine = lines.contains { line in
                    let slope = line.height / line.length * cos(Double(x) / line.length + line.start)
                    let middle = line.y + line.height * sin(Double(x) / line.length + line.start)
                    return abs(Double(y) - middle) < thickness * (1 + slope * slope).squareRoot()
                }
                let ground = 90 + x / 3 + random.index(below: 24)
                pixels += [UInt8(ground + random.index(below: 30)), UInt8(ground - (isLine ? 40 : 0)), UInt8(ground)]
                mask.append(isLine ? 1 : 0)
            }
        }
        return Example(
            image: RGBImage(width: width, height: height, pixels: pixels),
            mask: Mask(width: width, height: height, pixels: mask))
    }
}

@Suite struct PixelPrototypesTests {
    private static let predictor = Predictor(tinyModel)

    private static func profile(_ examples: [Example], isAdapted: Bool = false) throws -> SupportProfile {
        try SupportProfiler(predictor, isAdapted: isAdapted).profile(examples)
    }

    private static func dice(_ one: Mask, _ other: Mask) -> Double {
        2 * Double(one.intersectionCount(other)) / Double(max(one.area + other.area, 1))
    }

    @Test func thinLinesAreFoundWithoutTraining() throws {
        let profile = try Self.profile(waves(4))
        #expect(profile.route == .pixels, "\(profile.routeDice)")
        #expect(Set(profile.routeDice.keys) == Set(PromptlessRoute.allCases).subtracting([.blend]))
        let pixels = try #require(profile.pixels)
        #expect(pixels.channel == .green && pixels.shifts.count == 4)
        let reader = PromptlessReader(Self.predictor, isAdapted: false)
        let foretold = try #require(profile.routeDice[.pixels])
        for query in waves(3, width: 170, height: 140, seed: 9) {
            let embedding = Self.predictor.embed(query.image)
            let found = try reader.answer(
                .none, embedding, profile, byPixels: pixels.prediction(query.image))
            #expect(found.given == .none && found.likeness == nil)
            let dice = Self.dice(found.prediction.mask(), query.mask)
            #expect(dice > 0.8 && abs(dice - foretold) < 0.1, "\(dice), foretold \(foretold)")
            // With a prompt the decoder answers as ever.
            let box = Prompt(box: Prompt.Box(x0: 5, y0: 5, x1: 90, y1: 60))
            let own = try reader.answer(box, embedding, profile, byPixels: nil).prediction
            let alone = try Self.predictor.segment(embedding, [box])[0]
            #expect(own.lowResolutionLogits.elements == alone.lowResolutionLogits.elements)
        }
        #expect(try profile == Self.profile(waves(4)))
    }

    @Test func compactObjectsAndAdaptersHaveNone() throws {
        let large = discs(3, width: 160, height: 140).map { example in
            Example(image: example.image, mask: Self.grown(example.mask))
        }
        #expect(try Self.profile(large).pixels == nil)
        let adapted = try Self.profile(waves(3), isAdapted: true)
        #expect(adapted.pixels == nil && adapted.route == .model)
    }

    private static func grown(_ mask: Mask) -> Mask {
        guard let box = mask.boundingBox else { return mask }
        let (x, y) = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        return Mask(
            width: mask.width, height: mask.height,
            pixels: mask.pixels.indices.map { pixel in
                abs(pixel % mask.width - x) < 50 && abs(pixel / mask.width - y) < 50 ? 1 : 0
            })
    }

    @Test func oneExampleIsEnough() throws {
        let profile = try Self.profile(waves(1))
        #expect(profile.route == .pixels && profile.routeDice.isEmpty)
        // Nothing to differ from is no certainty.
        #expect(profile.pixels?.shifts == [-1, 1])
        let query = waves(1, seed: 4)[0]
        let answer = try #require(profile.pixels).prediction(query.image)
        #expect(Self.dice(answer.mask(), query.mask) > 0.7)
    }

    /// Looked at in half the size, the answer is of the image's own.
    @Test func aReducedImageIsAnsweredInItsOwnSize() throws {
        let examples = waves(3, width: 300, height: 240, thickness: 4, pitch: 40)
        let seen = examples.map { (image: $0.image, mask: $0.mask) }
        let profiler = try #require(try PixelProfiler(seen, limit: 2, model: tinyModel.configuration) {})
        let (whole, without) = profiler.prototypes()
        let plain = try #require(whole)
        // Figures are of two of the images, and all three teach.
        #expect(without.count == 2 && plain.shifts.count == 2)
        let two = try #require(try PixelProfiler(Array(seen.prefix(2)), limit: 2, model: tinyModel.configuration) {})
        #expect(two.prototypes().whole?.prototypes != plain.prototypes)
        #expect(plain.reduction > 1)
        let own = plain.prediction(examples[0].image)
        #expect(own.lowResolutionLogits.shape[0] < 300)
        #expect(Self.dice(own.mask(), examples[0].mask) > 0.8)
        // Piece by piece, in pixels of the image.
        let pieces = InstanceFinder.pieces(of: own.inPixels()).objects.map { $0.mask() }
        let joined = Mask(
            width: 300, height: 240,
            pixels: (0..<300 * 240).map { pixel in pieces.contains { $0.pixels[pixel] != 0 } ? 1 : 0 })
        #expect(Self.dice(joined, examples[0].mask) > 0.75)
        let halved = PixelPrototypes(
            channel: plain.channel, reduction: 2, prototypes: plain.prototypes, shifts: plain.shifts)
        let answer = halved.prediction(examples[0].image)
        #expect(answer.lowResolutionLogits.shape == [150, 150])
        #expect(answer.mask().width == 300 && answer.mask().height == 240)
        let reduced = PixelPrototypes.reduced(examples[0].mask, 2)
        #expect(reduced.width == 150 && reduced.height == 120)
        #expect(abs(4 * Double(reduced.area) / Double(examples[0].mask.area) - 1) < 0.25)
        #expect(PixelPrototypes.reduced(examples[0].mask, 1) == examples[0].mask)
    }

    @Test func theLineBetweenObjectAndGroundIsVaried() throws {
        let profile = try Self.profile(waves(4))
        let (pixels, query) = (try #require(profile.pixels), waves(1, seed: 12)[0])
        let answer = pixels.prediction(query.image)
        let others = pixels.others(answer)
        #expect(others.count == 4)
        for (shift, other) in zip(pixels.shifts, others) {
            #expect(other.lowResolutionLogits.elements[3] == answer.lowResolutionLogits.elements[3] - shift)
            // Beside the image there is nothing to doubt.
            #expect(other.lowResolutionLogits.elements.last == MaskPrediction.outside)
        }
        let spread = try PromptlessReader(Self.predictor, isAdapted: false)
            .spread(answer, given: .none, Self.predictor.embed(query.image), profile)
        #expect(spread.agreement > 0.7 && spread.agreement < 1)
        #expect(try #require(spread.relativeArea).contains(1))
    }

    @Test func samplesStandForAllPixels() {
        let mask = waves(1, width: 200, height: 180)[0].mask
        let sample = PixelSample(mask, seed: 3)
        let object = zip(sample.truth, sample.weight).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        #expect(abs(object - Double(mask.area)) < 0.01 * Double(mask.area))
        let all = sample.weight.reduce(0.0) { $0 + Double($1) }
        #expect(abs(all - 36_000) < 36)
        #expect(sample.truth.count { $0 == 0 } == PixelSample.limit)
        // An image that does not show the object says what the ground is.
        let empty = PixelSample(Mask(empty: 20, height: 10), seed: 3)
        #expect(empty.truth == [Float](repeating: 0, count: 200) && empty.weight.allSatisfy { $0 == 1 })
        let features = PixelFeatures(noisyImage(width: 200, height: 180), .mean)
        let (block, whole) = (sample.block(features), features.block(rows: 0..<180))
        #expect(block.count == sample.truth.count)
        // In the order of the pixels: the first of a row-major image is among the first of its own stretch.
        #expect(whole.values[0..<64].contains(block.values[0]))
        #expect(sample.criterion(mask.pixels.map(Float.init)) > 1_000)
        #expect(sample.criterion([Float](repeating: 5, count: 36_000)) == 0)
    }
}

@Suite struct ThresholdSearchTests {
    @Test func amongEqualsTheNearestIsTaken() {
        // Anything between the ground's −5 and the object's 5 cuts as well.
        let values: [Float] = (0..<400).map { $0 < 300 ? -5 : Float($0 % 3) + 5 } + [-4, -2, 0, 2, 4]
        let map = ThresholdSearch.Map(
            values: values, truth: values.map { $0 >= 5 ? 1 : 0 }, weight: values.map { abs($0) < 5 ? 0.5 : 1 })
        let (far, lowest) = (ThresholdSearch.best([map], near: 4), ThresholdSearch.best([map]))
        #expect(far >= lowest && far <= 5)
        #expect(ThresholdSearch.best([map], near: -100) <= far)
    }

    @Test func findsTheBestCut() {
        let values: [Float] = (0..<100).map(Float.init)
        let map = ThresholdSearch.Map(
            values: values, truth: values.map { $0 > 70 ? 1 : 0 }, weight: [Float](repeating: 1, count: 100))
        #expect(abs(ThresholdSearch.best([map]) - 70) <= 1)
        // A small object is all within the highest of the parts that the values are cut into.
        let many = (0..<10_000).map(Float.init)
        let small = ThresholdSearch.Map(
            values: many, truth: many.map { $0 > 9_994 ? 1 : 0 }, weight: [Float](repeating: 1, count: many.count))
        #expect(abs(ThresholdSearch.best([small]) - 9_994) <= 1)
        #expect(ThresholdSearch.best([]) == 0)
    }
}
