import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct FocusTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let box: Prompt.Box
        let width, height: Int
        let window: PixelBox?
        var testDescription: String { name }
    }

    /// The same rows as in scripts/pretraining/test_pretraining.py, whose window is written with exclusive ends.
    static let rows = [
        Row(
            name: "in the middle", box: .init(x0: 100, y0: 80, x1: 139, y1: 99), width: 300, height: 200,
            window: PixelBox(x0: 80, y0: 50, x1: 159, y1: 129)),
        Row(
            name: "moved inside at a corner", box: .init(x0: 0, y0: 0, x1: 29, y1: 29), width: 300, height: 200,
            window: PixelBox(x0: 0, y0: 0, x1: 59, y1: 59)),
        Row(
            name: "moved inside at the other corner", box: .init(x0: 280, y0: 185, x1: 299, y1: 199), width: 300,
            height: 200, window: PixelBox(x0: 260, y0: 160, x1: 299, y1: 199)),
        Row(
            name: "no smaller than it is worth", box: .init(x0: 50, y0: 50, x1: 51, y1: 51), width: 300, height: 200,
            window: PixelBox(x0: 39, y0: 39, x1: 62, y1: 62)),
        Row(
            name: "no higher than the image", box: .init(x0: 100, y0: 10, x1: 149, y1: 20), width: 300, height: 40,
            window: PixelBox(x0: 75, y0: 0, x1: 174, y1: 39)),
        Row(
            name: "half pixels", box: .init(x0: 10.5, y0: 20.25, x1: 40.5, y1: 30.75), width: 200, height: 100,
            window: PixelBox(x0: 0, y0: 0, x1: 61, y1: 61)),
        Row(name: "too large", box: .init(x0: 0, y0: 0, x1: 129, y1: 99), width: 300, height: 200, window: nil),
    ]

    private static var focused: Configuration {
        var configuration = Configuration.tiny
        configuration.focusedBoxes = true
        return configuration
    }

    @Test(arguments: rows) func showsTheBoxAndAsMuchAround(_ row: Row) {
        let window = Focus.window(
            for: Prompt(box: row.box), width: row.width, height: row.height, model: Self.focused)
        #expect(window == row.window)
    }

    @Test func onlyBoxesOfAModelTrainedSoAreLookedAtClosely() {
        let box = Prompt.Box(x0: 100, y0: 80, x1: 139, y1: 99)
        func window(_ prompt: Prompt, _ model: Configuration = Self.focused) -> PixelBox? {
            Focus.window(for: prompt, width: 300, height: 200, model: model)
        }
        #expect(window(Prompt(box: box)) != nil)
        #expect(window(Prompt(box: box), .tiny) == nil)
        #expect(window(.none) == nil)
        #expect(window(Prompt(points: [.init(x: 120, y: 90, isForeground: true)])) == nil)
        #expect(window(Prompt(points: [.init(x: 120, y: 90, isForeground: true)], box: box)) != nil)
        #expect(window(Prompt(points: [.init(x: 10, y: 90, isForeground: false)], box: box)) == nil)
        let mask = Prompt.maskLogits(Mask(empty: 300, height: 200), model: Self.focused)
        #expect(window(Prompt(box: box, maskLogits: mask)) == nil)
    }

    /// A part of an image is segmented as if it were cut out, and its mask lies where it was.
    @Test func partIsSegmentedAsIfCutOut() throws {
        let predictor = Predictor(SegmentAnythingModel(configuration: .tiny, randomSeed: 5))
        let image = testImage(width: 50, height: 40)
        let window = PixelBox(x0: 7, y0: 11, x1: 36, y1: 30)
        let part = predictor.embed(image, window: window)
        let cut = predictor.embed(image.cropped(to: window))
        #expect(part.tensor.elements == cut.tensor.elements)

        let inside = Prompt(
            points: [.init(x: 20, y: 18, isForeground: true)], box: .init(x0: 10, y0: 12, x1: 30, y1: 28))
        let moved = Prompt(points: [.init(x: 13, y: 7, isForeground: true)], box: .init(x0: 3, y0: 1, x1: 23, y1: 17))
        let found = try predictor.segment(part, [inside])[0]
        let expected = try predictor.segment(cut, [moved])[0]
        #expect(found.lowResolutionLogits.elements == expected.lowResolutionLogits.elements)
        let (mask, logits, probability) = (found.mask(), found.logits(), found.probability())
        #expect((mask.width, mask.height) == (50, 40))
        #expect(mask.cropped(to: window) == expected.mask())
        #expect(mask.area == expected.mask().area)
        #expect(logits[0] == MaskPrediction.outside && probability[0] == 0)
        #expect(logits[11 * 50 + 7] == expected.logits()[0])
    }

    @Test func embeddedImageAnswersOnTheChosenPart() throws {
        let image = testImage(width: 90, height: 60)
        let box = Prompt(box: .init(x0: 10, y0: 12, x1: 30, y1: 28))
        let window = try #require(Focus.window(for: box, width: 90, height: 60, model: Self.focused))
        // Random weights that do not answer in lines, which would be drawn anew.
        let predictors = (0..<200).lazy.map {
            Predictor(SegmentAnythingModel(configuration: Self.focused, randomSeed: $0))
        }
        let predictor = try #require(
            try predictors.first { predictor in
                let logits = try predictor.segment(predictor.embed(image, window: window), [box])[0].lowResolutionLogits
                return !areLines(logits.elements, side: logits.shape[0])
            })
        let embedded = EmbeddedImage(image, by: predictor)
        let answer = try embedded.segment(box)
        #expect(answer.geometry.window == window)
        #expect(
            answer.lowResolutionLogits.elements
                == (try predictor.segment(predictor.embed(image, window: window), [box]))[0].lowResolutionLogits
                .elements)
        #expect(try embedded.view(of: .none).embedding.geometry.isWhole)
    }
}
