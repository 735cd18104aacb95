import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Thin answers, and how they are drawn anew.
@Suite struct CloseupTests {
    private static let configuration = {
        var configuration = Configuration.tiny
        configuration.focusedBoxes = true
        return configuration
    }()
    private static let predictor = Predictor(SegmentAnythingModel(configuration: configuration, randomSeed: 5))
    /// Of the model's input and of its logits.
    private static let (input, cells) = (configuration.imageSize, configuration.logitsSide)

    /// An answer whose logit in a cell is what `logit` says of the cell's column and row.
    private static func answer(
        width: Int = 240, height: Int = 200, window: PixelBox? = nil, quality: Float = 0.5, index: Int = 0,
        _ logit: (_ column: Int, _ row: Int) -> Float
    ) -> MaskPrediction {
        MaskPrediction(
            lowResolutionLogits: Tensor(
                shape: [cells, cells], (0..<cells * cells).map { logit($0 % cells, $0 / cells) }),
            predictedIoU: quality, index: index,
            geometry: ImageGeometry(width: width, height: height, window: window, side: input))
    }

    /// Two lines that cross.
    private static func cross(_ column: Int, _ row: Int) -> Float { column == 5 || row == 6 ? 4 : -4 }

    @Test func onlyThinAnswersOfAModelThatLooksCloselyAreDrawnAnew() throws {
        let thin = Self.answer(Self.cross)
        #expect(Closeup(of: thin, to: .none, by: Self.predictor) != nil)
        // Compact, or too little to be a line.
        #expect(Closeup(of: Self.answer { x, y in x < 9 && y < 9 ? 1 : -1 }, to: .none, by: Self.predictor) == nil)
        #expect(Closeup(of: Self.answer { x, y in x == 3 && y < 9 ? 1 : -1 }, to: .none, by: Self.predictor) == nil)
        #expect(Closeup(of: Self.answer { _, _ in -1 }, to: .none, by: Self.predictor) == nil)
        // All of it is cells that the image does not reach.
        #expect(
            Closeup(of: Self.answer(height: 30) { _, y in y > 8 ? 1 : -1 }, to: .none, by: Self.predictor) == nil)
        // The model has seen every pixel of a small image, or of a small part of one.
        #expect(
            Closeup(of: Self.answer(width: Self.input, height: 30, Self.cross), to: .none, by: Self.predictor) == nil)
        let part = PixelBox(x0: 10, y0: 20, x1: 9 + Self.input, y1: 19 + Self.input)
        #expect(Closeup(of: Self.answer(window: part, Self.cross), to: .none, by: Self.predictor) == nil)
        // Adapters for thin objects answer in tiles, and other models were never taught to look closely.
        let token = Value(Tensor(zeros: [1, Self.configuration.embeddingChannels]))
        let adapted = Predictor(Self.predictor.model, adjustment: Adjustment(singleMaskToken: token))
        #expect(Closeup(of: thin, to: .none, by: adapted) == nil)
        let plain = Predictor(SegmentAnythingModel(configuration: .tiny, randomSeed: 5))
        #expect(Closeup(of: thin, to: .none, by: plain) == nil)
    }

    /// Of a band of two cells' width none has all neighbours in it, of one of three nearly a third have.
    @Test(arguments: [(2, true), (3, false)]) func bandsOfSeveralCellsAreNotThin(_ width: Int, _ isThin: Bool) {
        let band = Self.answer { x, _ in (4..<4 + width).contains(x) ? 1 : -1 }
        #expect((Closeup(of: band, to: .none, by: Self.predictor) != nil) == isThin)
    }

    @Test func linesAreWhatTheNaiveTwinSays() {
        var generator = SystemRandomNumberGenerator()
        var counts = [true: 0, false: 0]
        for _ in 0..<200 {
            // Rectangles of all kinds, some of which are lines, on an image that leaves the last columns out.
            let rectangles = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                let (x, y) = (Int.random(in: 0..<14, using: &generator), Int.random(in: 0..<14, using: &generator))
                let isFlat = Bool.random(using: &generator)
                let (long, short) = (
                    Int.random(in: 4...16, using: &generator), Int.random(in: 1...3, using: &generator)
                )
                return (x..<x + (isFlat ? long : short), y..<y + (isFlat ? short : long))
            }
            let answer = Self.answer(width: 180, height: 240) { x, y in
                rectangles.contains { $0.0.contains(x) && $0.1.contains(y) } ? 2 : -2
            }
            let expected = areLines(answer.lowResolutionLogits.elements, side: Self.cells, columns: 12)
            #expect((Closeup(of: answer, to: .none, by: Self.predictor) != nil) == expected)
            counts[expected, default: 0] += 1
        }
        #expect(counts.values.allSatisfy { $0 > 10 })
    }

    @Test func squaresAreAskedForWhatTheAnswerShowsThere() throws {
        let window = PixelBox(x0: 30, y0: 10, x1: 229, y1: 189)
        let thin = Self.answer(window: window, Self.cross)
        let points = [
            Prompt.Point(x: 95, y: 40, isForeground: true), Prompt.Point(x: 200, y: 150, isForeground: false),
        ]
        let prompt = Prompt(points: points, box: .init(x0: 31, y0: 11, x1: 228, y1: 188))
        var closeup = try #require(Closeup(of: thin, to: prompt, by: Self.predictor))
        var windows: [PixelBox] = []
        while let question = closeup.question {
            let square = question.window
            windows.append(square)
            #expect(square.x0 >= 30 && square.y0 >= 10 && square.x1 <= 229 && square.y1 <= 189)
            #expect(question.prompt.box == nil)
            #expect(
                question.prompt.points
                    == points.filter { point in
                        Float(square.x0) <= point.x && point.x <= Float(square.x1) && Float(square.y0) <= point.y
                            && point.y <= Float(square.y1)
                    })
            let mask = try #require(question.prompt.maskLogits)
            #expect(mask.elements.contains { $0 > 0 } && mask.elements.allSatisfy { abs($0) <= 2 || $0 == -2 })
            // A cell of 12.5 pixels is shown by several: where the line is, half its logit.
            let cell = Float(square.width) / Float(Self.cells)
            for y in 0..<Self.cells {
                for x in 0..<Self.cells {
                    let column = (Float(square.x0 - 30) + (Float(x) + 0.5) * cell) / 12.5
                    let row = (Float(square.y0 - 10) + (Float(y) + 0.5) * cell) / 12.5
                    if abs(column - 5.5) < 0.01 || abs(row - 6.5) < 0.01 { #expect(abs(mask[y, x] - 2) < 0.1) }
                }
            }
            closeup.take(
                Self.answer(window: square, quality: 0.25) { _, _ in 3 })
        }
        #expect(windows.count > 1 && windows.count <= Closeup.limit && Set(windows).count == windows.count)
        let found = closeup.answer
        #expect(found.geometry.window == window && abs(found.predictedIoU - 0.25) < 1e-6)
        #expect(found.mask().boundingBox.map { window.union($0) == window } == true)
    }

    /// Squares that agree are one picture, and finer than what they were asked about.
    @Test func answersAreBlendedInFinerCells() throws {
        let (width, height) = (240, 200)
        let thin = Self.answer(width: width, height: height, index: 2, Self.cross)
        var closeup = try #require(Closeup(of: thin, to: .none, by: Self.predictor))
        /// In pixels.
        func slope(_ x: Float, _ y: Float) -> Float { (x - 80) / 20 + (y - 60) / 50 }
        var asked: [PixelBox] = []
        while let window = closeup.question?.window {
            asked.append(window)
            let cell = Float(max(window.width, window.height)) / Float(Self.cells)
            closeup.take(
                Self.answer(width: width, height: height, window: window, quality: 0.8) { x, y in
                    slope(
                        Float(window.x0) + (Float(x) + 0.5) * cell, Float(window.y0) + (Float(y) + 0.5) * cell)
                })
        }
        let found = closeup.answer
        #expect(found.index == 2 && abs(found.predictedIoU - 0.8) < 1e-5)
        #expect(found.lowResolutionLogits.shape == [4 * Self.cells, 4 * Self.cells])
        let logits = found.logits()
        var compared = 0
        for y in 0..<height {
            for x in 0..<width {
                // Off the edges of squares, where half a cell of each is its outermost value.
                guard
                    asked.contains(where: {
                        ($0.x0 + 6...$0.x1 - 6).contains(x) && ($0.y0 + 6...$0.y1 - 6).contains(y)
                    })
                else { continue }
                #expect(abs(logits[y * width + x] - slope(Float(x) + 0.5, Float(y) + 0.5)) < 0.12, "at \(x), \(y)")
                compared += 1
            }
        }
        #expect(compared > width * height / 2)
    }

    @Test func whereNothingWasFoundNobodyLooks() throws {
        let thin = Self.answer(height: 240) { x, y in x == 1 ? 4 : -4 }
        var closeup = try #require(Closeup(of: thin, to: .none, by: Self.predictor))
        while let window = closeup.question?.window {
            #expect(window.x0 < 40)
            closeup.take(Self.answer(height: 240, window: window) { _, _ in 1 })
        }
        let mask = closeup.answer.mask()
        #expect(!mask.isEmpty && mask.boundingBox.map { $0.x1 < 110 } == true)
    }

    /// However large the image is, and however long: at most so many squares, none larger than tiles are.
    @Test(arguments: [(65, 64), (70, 9), (4_000, 3_000), (9_000, 9), (12_000, 12_000), (13_500, 13_500), (60_000, 40)])
    func costsNoMoreThanItsLimit(_ width: Int, _ height: Int) {
        let thin = Self.answer(width: width, height: height) { x, _ in x == 3 || x == 11 ? 4 : -4 }
        let flat = Self.answer(width: width, height: height) { _, y in y == 0 ? 4 : -4 }
        for answer in [thin, flat] {
            guard var closeup = Closeup(of: answer, to: .none, by: Self.predictor) else {
                // Of a ribbon's lines too few cells show anything.
                #expect(max(width, height) > 13_000 || height < 10)
                continue
            }
            var count = 0
            while let window = closeup.question?.window {
                #expect(window.x1 < width && window.y1 < height)
                #expect(Tiling.sides.contains(max(window.width, window.height)))
                closeup.take(Self.answer(width: width, height: height, window: window) { _, _ in 1 })
                count += 1
            }
            #expect((1...Closeup.limit).contains(count))
            let logits = closeup.answer.lowResolutionLogits.elements
            #expect(logits.allSatisfy { $0.isFinite })
        }
    }

    @Test func embeddedImageDrawsThinAnswersAnew() throws {
        let image = testImage(width: 90, height: 70)
        let prompt = Prompt(points: [.init(x: 40, y: 30, isForeground: true)], box: .init(x0: 2, y0: 2, x1: 88, y1: 66))
        // Random weights that answer in lines.
        let predictor = try #require(
            (0..<400).lazy.map { Predictor(SegmentAnythingModel(configuration: Self.configuration, randomSeed: $0)) }
                .first { predictor in
                    guard let answer = try? predictor.segment(predictor.embed(image), [prompt])[0] else { return false }
                    return Closeup(of: answer, to: prompt, by: predictor) != nil
                })
        let seen = try predictor.segment(predictor.embed(image), [prompt])[0]
        var closeup = try #require(Closeup(of: seen, to: prompt, by: predictor))
        while let question = closeup.question {
            closeup.take(
                try predictor.segment(predictor.embed(image, window: question.window), [question.prompt])[0])
        }
        let embedded = EmbeddedImage(image, by: predictor)
        let found = try embedded.segment(prompt)
        #expect(found.lowResolutionLogits.elements == closeup.answer.lowResolutionLogits.elements)
        #expect(found.geometry == closeup.answer.geometry && found.geometry.side == 4 * Self.cells)
        // What prompts nearby are compared with is what was seen at first.
        let view = try embedded.view(of: prompt)
        #expect(view.prompt == prompt && view.embedding.geometry == seen.geometry)
    }
}
