import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct AppearanceTests {
    /// Logits of 32 cells a side, as for an input of 64 pixels.
    private static var model: Configuration {
        var configuration = Configuration.tiny
        configuration.imageSize = 64
        configuration.appearance = 1
        return configuration
    }

    private static func guide(
        width: Int = 64, height: Int = 64, model: Configuration = model, _ colour: (Int, Int) -> [UInt8]
    ) throws -> Guide {
        let pixels = (0..<width * height).flatMap { colour($0 % width, $0 / width) }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        return try #require(Guide(Preprocessor(side: 64)(image), for: model))
    }

    private static func isInDisc(_ x: Int, _ y: Int, radius: Double, of cells: Double) -> Bool {
        let (dx, dy) = ((Double(x) + 0.5) / cells - 0.5, (Double(y) + 0.5) / cells - 0.5)
        return dx * dx + dy * dy < radius * radius
    }

    /// A disc of a quarter of the image's side, brighter or of another colour than what is around it.
    private static func disc(_ object: [UInt8], on ground: [UInt8]) throws -> Guide {
        try guide { x, y in isInDisc(x, y, radius: 0.25, of: 64) ? object : ground }
    }

    private static let truth = (0..<32 * 32).map { isInDisc($0 % 32, $0 / 32, radius: 0.25, of: 32) }

    /// What a network might say that has seen the disc's middle and doubts the rest of it.
    private static let doubtful = Tensor(
        shape: [32, 32],
        (0..<32 * 32).map { cell -> Float in
            let (x, y) = (Float(cell % 32) - 15.5, Float(cell / 32) - 15.5)
            return 2 - 0.4 * (x * x + y * y).squareRoot()
        })
    private static let box = Prompt.Box(x0: 7, y0: 7, x1: 24, y1: 24)

    private static func dice(_ logits: Tensor) -> Double {
        let mask = logits.elements.map { $0 > 0 }
        let common = zip(mask, truth).count { $0 && $1 }
        return 2 * Double(common) / Double(mask.count { $0 } + truth.count { $0 })
    }

    @Test(arguments: [
        [[UInt8(180), 180, 180], [UInt8(60), 60, 60]], [[UInt8(40), 40, 40], [UInt8(200), 200, 200]],
        [[UInt8(180), 60, 60], [UInt8(60), 100, 140]],
    ])
    func anAnswerGrowsToWhatLooksAlike(_ colours: [[UInt8]]) throws {
        let appearance = Appearance(try Self.disc(colours[0], on: colours[1]), share: 1)
        let before = Self.dice(Self.doubtful)
        #expect(before < 0.6)
        #expect(Self.dice(appearance.fitted(Self.doubtful, box: Self.box)) > before + 0.25)
        #expect(Self.dice(appearance.fitted(Self.doubtful, box: nil)) > before + 0.15)
    }

    @Test func aShareOfNothingOnlySmooths() throws {
        let guide = try Self.disc([180, 180, 180], on: [60, 60, 60])
        let found = Appearance(guide, share: 0).fitted(Self.doubtful, box: Self.box)
        #expect(abs(Self.dice(found) - Self.dice(Self.doubtful)) < 0.15)
    }

    @Test func anImageOfOneColourTellsNothing() throws {
        let found = Appearance(try Self.guide { _, _ in [90, 90, 90] }, share: 1).fitted(Self.doubtful, box: nil)
        // Without an edge the filter is a mean over a mean.
        #expect(abs(Self.dice(found) - Self.dice(Self.doubtful)) < 0.15)
    }

    /// A second disc of the same colour outside the box.
    @Test func nothingBeyondTheBoxIsMadeObject() throws {
        let guide = try Self.guide { x, y in
            Self.isInDisc(x, y, radius: 0.25, of: 64) || (x > 54 && y > 16 && y < 48) ? [200, 200, 200] : [50, 50, 50]
        }
        let found = Appearance(guide, share: 1).fitted(Self.doubtful, box: Self.box).elements
        for y in 0..<32 { for x in 27..<32 { #expect(found[32 * y + x] <= 0) } }
    }

    @Test func paddingKeepsItsLogits() throws {
        let guide = try Self.guide(width: 64, height: 40) { x, y in
            Self.isInDisc(x, y, radius: 0.25, of: 64) ? [200, 200, 200] : [50, 50, 50]
        }
        #expect((guide.width, guide.height) == (32, 20))
        let found = Appearance(guide, share: 1).fitted(Self.doubtful, box: nil)
        #expect(found.elements[(20 * 32)...] == Self.doubtful.elements[(20 * 32)...])
        #expect(found.elements[..<(20 * 32)] != Self.doubtful.elements[..<(20 * 32)])
    }

    /// What is inside a box does not depend on the side from which one looks.
    @Test(arguments: [Float(8), 7.75, 11]) func theFitHasNoFavouriteSide(_ x0: Float) throws {
        let guide = try Self.disc([180, 180, 180], on: [60, 60, 60])
        let box = Prompt.Box(x0: x0, y0: x0, x1: 32 - x0, y1: 32 - x0)
        let found = Appearance(guide, share: 1).fitted(Self.doubtful, box: box).elements
        for y in 0..<32 {
            for x in 0..<16 {
                #expect(abs(found[32 * y + x] - found[32 * y + 31 - x]) < 1e-3)
                #expect(abs(found[32 * y + x] - found[32 * x + y]) < 1e-3)
            }
        }
    }

    /// A last cell that shows a line of the image and a line of padding is fitted to the image's line.
    @Test func aCellThatIsPartlyPaddingIsFitted() throws {
        let guide = try Self.guide(width: 64, height: 39) { _, y in y == 38 ? [200, 200, 200] : [50, 50, 50] }
        #expect((guide.width, guide.height) == (32, 20))
        let brightness = guide.channels[0]
        #expect(abs(brightness[19 * 32] - 200 / 255) < 0.01 && abs(brightness[18 * 32] - 50 / 255) < 0.01)
    }

    @Test func tooFewCellsTellNothing() throws {
        let guide = try Self.disc([180, 180, 180], on: [60, 60, 60])
        let sure = Tensor(shape: [32, 32], [Float](repeating: -9, count: 1024))
        #expect(Appearance(guide, share: 1).fitted(sure, box: nil).elements == sure.elements)
        let small = Prompt.Box(x0: 10, y0: 10, x1: 12, y1: 12)
        #expect(Appearance(guide, share: 1).fitted(Self.doubtful, box: small).elements == Self.doubtful.elements)
    }

    @Test func numbersThatAreNoneDoNotStopIt() throws {
        let guide = try Self.disc([180, 180, 180], on: [60, 60, 60])
        for value in [Float.nan, .infinity, -.infinity] {
            let logits = Tensor(shape: [32, 32], [Float](repeating: value, count: 1024))
            #expect(Appearance(guide, share: 1).fitted(logits, box: Self.box).count == 1024)
        }
    }

    // MARK: The guide

    @Test func aGuideIsTheMeanOfEachCell() throws {
        let guide = try Self.guide { x, y in x % 2 == 0 ? [100, 10, 30] : [50, 30, 10] }
        let channels = guide.channels
        #expect(channels.count == 3)
        for cell in 0..<32 * 32 {
            #expect(abs(channels[0][cell] - (75 + 20 + 20) / 3 / 255) < 0.003)
            #expect(abs(channels[1][cell] - (75 - 20) / 255) < 0.006)
            #expect(abs(channels[2][cell] - (20 - 47.5) / 255) < 0.006)
        }
        #expect(try Self.guide { _, _ in [70, 70, 70] }.channels.count == 1)
    }

    @Test func onlyAModelThatAsksForItHasAGuide() {
        let image = Preprocessor(side: 64)(RGBImage(width: 1, height: 1, pixels: [1, 2, 3]))
        #expect(Guide(image, for: Self.model) != nil)
        var other = Self.model
        other.appearance = nil
        #expect(Guide(image, for: other) == nil)
    }

    /// A ribbon fills no cell, and has cells all the same.
    @Test func aRibbonHasAGuide() throws {
        let ribbon = RGBImage(width: 64, height: 1, pixels: [UInt8](repeating: 9, count: 192))
        let guide = try #require(Guide(Preprocessor(side: 64)(ribbon), for: Self.model))
        #expect((guide.width, guide.height) == (32, 1))
        #expect(guide.channels[0].allSatisfy { abs($0 - 9 / 255) < 0.003 })
    }

    /// A patch that does not divide the side leaves pixels that no cell shows.
    @Test func aGuideIsNoLargerThanItsGrid() throws {
        var uneven = Self.model
        uneven.imageSize = 60
        #expect(uneven.logitsSide * (60 / uneven.logitsSide) < 60)
        let image = RGBImage(width: 60, height: 60, pixels: [UInt8](repeating: 9, count: 3 * 60 * 60))
        let guide = try #require(Guide(Preprocessor(side: 60)(image), for: uneven))
        #expect(guide.width == guide.side && guide.height == guide.side)
    }

    // MARK: Who is answered so

    @Test func boxesAndPointsOfAModelAsItCameAreFitted() throws {
        let image = RGBImage(
            width: 64, height: 64,
            pixels: (0..<64 * 64).flatMap { cell -> [UInt8] in
                Self.isInDisc(cell % 64, cell / 64, radius: 0.25, of: 64) ? [200, 90, 20] : [20, 60, 90]
            })
        let point = Prompt.Point(x: 32, y: 32, isForeground: true)
        let box = Prompt.Box(x0: 14, y0: 14, x1: 49, y1: 49)
        let fitted = [Prompt(box: box), Prompt(points: [point, point]), Prompt(points: [point], box: box)]
        /// Whether weights answer a prompt in lines, as random ones may.
        func isThin(_ prompt: Prompt, _ predictor: Predictor) throws -> Bool {
            let raw = try predictor.predict(predictor.embed(image), [prompt])[0][0].lowResolutionLogits
            return areLines(raw.elements, side: raw.shape[0])
        }
        let predictors = (0..<200).lazy.map {
            Predictor(SegmentAnythingModel(configuration: Self.model, randomSeed: $0))
        }
        let predictor = try #require(try predictors.first { one in try fitted.allSatisfy { try !isThin($0, one) } })
        let embedding = predictor.embed(image)
        func isFitted(_ prompt: Prompt, _ embedding: ImageEmbedding) throws -> Bool {
            let raw = try predictor.predict(embedding, [prompt])[0][0]
            let answer = try predictor.segment(embedding, [prompt])[0]
            return raw.lowResolutionLogits.elements != answer.lowResolutionLogits.elements
        }
        for prompt in fitted { #expect(try isFitted(prompt, embedding)) }
        // Lines would be smeared.
        let lines = try #require(try predictors.first { try isThin(Prompt(box: box), $0) })
        let raw = try lines.predict(lines.embed(image), [Prompt(box: box)])[0][0].lowResolutionLogits.elements
        let answer = try lines.segment(lines.embed(image), [Prompt(box: box)])[0].lowResolutionLogits.elements
        #expect(answer == raw)
        let notHere = Prompt.Point(x: 40, y: 32, isForeground: false)
        #expect(try !isFitted(Prompt(points: [point, notHere]), embedding))
        #expect(try !isFitted(Prompt(points: [notHere], box: box), embedding))
        #expect(try !isFitted(.none, embedding))
        #expect(try !isFitted(Prompt(box: box, maskLogits: Self.doubtful), embedding))
        let plain = ImageEmbedding(tensor: embedding.tensor, geometry: embedding.geometry)
        #expect(try !isFitted(Prompt(box: box), plain))
        #expect(embedding.byteCount == plain.byteCount + 3 * 32 * 32)
        #expect(embedding.plain.guide == nil)
    }

    @Test func anAdaptersAnswersAreItsOwn() throws {
        let model = SegmentAnythingModel(configuration: Self.model, randomSeed: 3)
        let name = "mask_decoder.iou_token.weight"
        let predictor = Predictor(model, adjustment: Adjustment(overrides: [name: model.parameter(name)]))
        let image = RGBImage(width: 64, height: 64, pixels: (0..<64 * 64 * 3).map { UInt8($0 % 251) })
        let embedding = predictor.embed(image)
        let prompt = Prompt(box: .init(x0: 14, y0: 14, x1: 49, y1: 49))
        let answer = try predictor.segment(embedding, [prompt])[0].lowResolutionLogits.elements
        #expect(try answer == predictor.predict(embedding, [prompt])[0][0].lowResolutionLogits.elements)
    }
}

@Suite struct GuidedFilterTests {
    /// Each cell's mean over the squares that hold it, of the straight line fitted to each square: the paper's equations as they stand.
    private static func naive(
        _ guide: [Float], _ picture: [Float], width: Int, height: Int, radius: Int, epsilon: Float
    ) -> [Float] {
        func square(_ cell: Int) -> [Int] {
            let (x, y) = (cell % width, cell / width)
            return (0..<width * height).filter { abs($0 % width - x) <= radius && abs($0 / width - y) <= radius }
        }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let lines = (0..<width * height).map { cell -> (slope: Double, offset: Double) in
            let members = square(cell)
            let (values, levels) = (members.map { Double(guide[$0]) }, members.map { Double(picture[$0]) })
            let covariance = mean(zip(values, levels).map { $0 * $1 }) - mean(values) * mean(levels)
            let variance = mean(values.map { $0 * $0 }) - mean(values) * mean(values)
            let slope = covariance / (variance + Double(epsilon))
            return (slope, mean(levels) - slope * mean(values))
        }
        return (0..<width * height).map { cell in
            let members = square(cell)
            return Float(
                mean(members.map { lines[$0].slope }) * Double(guide[cell]) + mean(members.map { lines[$0].offset }))
        }
    }

    @Test(arguments: [(9, 7, 2), (12, 1, 2), (1, 5, 1), (3, 3, 4)])
    func isThePapersFormula(_ width: Int, _ height: Int, _ radius: Int) {
        var random = SeededRandom(seed: 11)
        let guide = (0..<width * height).map { _ in Float.random(in: 0...1, using: &random) }
        let picture = (0..<width * height).map { _ in Float.random(in: -6...6, using: &random) }
        let filter = GuidedFilter(guide, width: width, height: height, radius: radius, epsilon: 1e-2)
        let expected = Self.naive(guide, picture, width: width, height: height, radius: radius, epsilon: 1e-2)
        for (found, expected) in zip(filter(picture), expected) { #expect(abs(found - expected) < 2e-3) }
    }
}
