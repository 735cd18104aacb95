import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Where a prompt is asked, and with what, until its answer is the answer.
@Suite struct InquiryTests {
    private static let model: SegmentAnythingModel = {
        var configuration = Configuration.tiny
        configuration.focusedBoxes = true
        return SegmentAnythingModel(configuration: configuration, randomSeed: 5)
    }()
    private static let predictor = Predictor(model)
    private static let (width, height) = (320, 240)

    private static func point(_ x: Float, _ y: Float, isForeground: Bool = true) -> Prompt.Point {
        Prompt.Point(x: x, y: y, isForeground: isForeground)
    }

    private static func inquiry(_ prompt: Prompt, _ predictor: Predictor = predictor) throws -> Inquiry {
        try Inquiry(
            prompt, width: width, height: height, model: predictor.model.configuration, isAdapted: predictor.isAdapted)
    }

    /// An answer on a part of the image whose logit at a place of the original image is what `logit` says of it.
    private static func answer(
        _ window: PixelBox? = nil, _ logit: (_ x: Float, _ y: Float) -> Float
    ) -> MaskPrediction {
        let geometry = ImageGeometry(
            width: width, height: height, window: window, side: model.configuration.imageSize)
        let side = model.configuration.logitsSide
        let cell = Float(max(geometry.window.width, geometry.window.height)) / Float(side)
        let logits = Tensor(shape: [side, side]) { logits in
            for y in 0..<side {
                for x in 0..<side {
                    logits[y * side + x] = logit(
                        Float(geometry.window.x0) + (Float(x) + 0.5) * cell,
                        Float(geometry.window.y0) + (Float(y) + 0.5) * cell)
                }
            }
        }
        return MaskPrediction(lowResolutionLogits: logits, predictedIoU: 0.5, index: 0, geometry: geometry)
    }

    /// 5 within the boxes, -5 elsewhere.
    private static func boxes(_ boxes: [Prompt.Box], on window: PixelBox? = nil) -> MaskPrediction {
        answer(window) { x, y in
            boxes.contains { $0.x0 <= x && x <= $0.x1 && $0.y0 <= y && y <= $0.y1 } ? 5 : -5
        }
    }

    @Test func boxesMasksNothingAndAdaptersAreAskedAtOnce() throws {
        let box = Prompt.Box(x0: 100, y0: 80, x1: 139, y1: 99)
        let side = Self.model.configuration.logitsSide
        let clicked = Prompt(points: [Self.point(10, 10)])
        for prompt in [
            .none, Prompt(box: box), Prompt(points: clicked.points, box: box),
            Prompt(points: clicked.points, maskLogits: Tensor(filled: 1, shape: [side, side])),
            Prompt(points: [Self.point(10, 10, isForeground: false)]),
        ] {
            let inquiry = try Self.inquiry(prompt)
            #expect(inquiry.isLast && inquiry.prompt == prompt)
            #expect(
                inquiry.window
                    == Focus.window(
                        for: prompt, width: Self.width, height: Self.height, model: Self.model.configuration))
        }
        #expect(try Self.inquiry(clicked, Predictor(SegmentAnythingModel(configuration: .tiny, randomSeed: 5))).isLast)
        let token = Value(Tensor(zeros: [1, Self.model.configuration.embeddingChannels]))
        let adapted = Predictor(Self.model, adjustment: Adjustment(singleMaskToken: token))
        #expect(try Self.inquiry(clicked, adapted).isLast)
    }

    @Test func pointIsAskedAgainOnThePartAboutWhatItTouches() throws {
        let prompt = Prompt(points: [Self.point(100, 100)])
        var inquiry = try Self.inquiry(prompt)
        #expect(!inquiry.isLast && inquiry.window == nil && inquiry.prompt == prompt)
        // A cell is 20 pixels: what is found ends where cells do.
        inquiry.take(
            Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119), .init(x0: 260, y0: 0, x1: 319, y1: 39)]))
        #expect(inquiry.isLast && inquiry.prompt == prompt)
        #expect(inquiry.window == PixelBox(x0: 60, y0: 60, x1: 139, y1: 139))
    }

    @Test func pointBesideEverythingFoundIsAskedOnThePartAboutAllOfThat() throws {
        var inquiry = try Self.inquiry(Prompt(points: [Self.point(70, 100)]))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        // From the point to the edge: 50 pixels, and as much again.
        #expect(inquiry.window == PixelBox(x0: 45, y0: 50, x1: 144, y1: 149))
    }

    @Test(arguments: [[], [Prompt.Box(x0: 20, y0: 20, x1: 299, y1: 200)]])
    func nothingAndMuchAreLookedAtNoCloser(_ found: [Prompt.Box]) throws {
        let prompt = Prompt(points: [Self.point(100, 100)])
        var inquiry = try Self.inquiry(prompt)
        inquiry.take(Self.boxes(found))
        #expect(inquiry.isLast && inquiry.window == nil && inquiry.prompt == prompt)
    }

    @Test func laterClicksAreAskedOneAfterTheOtherWithTheAnswerBefore() throws {
        let clicks = [
            Self.point(5, 230, isForeground: false), Self.point(100, 100), Self.point(150, 110),
            Self.point(90, 30, isForeground: false),
        ]
        var inquiry = try Self.inquiry(Prompt(points: clicks))
        // What is not the object says nothing about where it is: the first look is at the first click that does.
        #expect(inquiry.prompt.points == Array(clicks.prefix(2)) && inquiry.prompt.maskLogits == nil)
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        // About the mask and both clicks: hardly less than the image, so that it is asked once more.
        #expect(!inquiry.isLast && !inquiry.isLooking && inquiry.window == nil)
        #expect(inquiry.prompt.points == Array(clicks.prefix(2)))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        #expect(!inquiry.isLast && inquiry.window == nil && inquiry.prompt.points == Array(clicks.prefix(3)))
    }

    @Test func answerBeforeIsShownWhereItWas() throws {
        let clicks = [Self.point(100, 100), Self.point(150, 110), Self.point(130, 60, isForeground: false)]
        var inquiry = try Self.inquiry(Prompt(points: clicks))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        let first = try #require(inquiry.window)
        #expect(first == PixelBox(x0: 60, y0: 60, x1: 139, y1: 139))
        #expect(inquiry.prompt.points == [clicks[0]] && !inquiry.isLast)
        /// Positive in the right part of the window; halfway between cells it is what lies halfway.
        func slope(_ x: Float, _ y: Float) -> Float { (x - 100) / 10 + (y - 100) / 40 }
        inquiry.take(Self.answer(first, slope))
        #expect(inquiry.prompt.points == Array(clicks.prefix(2)) && !inquiry.isLast)
        let second = try #require(inquiry.window)
        #expect(second != first && second.x1 > first.x1)
        let shown = try #require(inquiry.prompt.maskLogits)
        let side = Self.model.configuration.logitsSide
        let cell = Float(second.width) / Float(side)
        var (compared, beyond) = (0, 0)
        for y in 0..<side {
            for x in 0..<side {
                // The cell in pixels of the window before, of which it takes the mean.
                let left = Float(second.x0 - first.x0) + Float(x) * cell
                let top = Float(second.y0 - first.y0) + Float(y) * cell
                let (width, height) = (Float(first.width), Float(first.height))
                if left + cell <= 0 || top + cell <= 0 || left >= width || top >= height {
                    #expect(shown[y, x] == -4, "at \(x), \(y)")
                    beyond += 1
                } else if left >= 0, top >= 0, left + cell <= width, top + cell <= height {
                    let middle = (Float(first.x0) + left + cell / 2, Float(first.y0) + top + cell / 2)
                    #expect(abs(shown[y, x] - slope(middle.0, middle.1) / 2) < 1e-3, "at \(x), \(y)")
                    compared += 1
                }
            }
        }
        #expect(beyond > 20)
        #expect(compared > 20)
        // On the same part it is the answer itself; half of it, as a click contradicts it.
        let again = Self.boxes([.init(x0: 81, y0: 60, x1: 160, y1: 139)], on: second)
        inquiry.take(again)
        #expect(inquiry.isLast && inquiry.prompt.points == clicks)
        #expect(inquiry.window == second)
        #expect(inquiry.prompt.maskLogits?.elements == again.lowResolutionLogits.elements.map { $0 / 2 })
    }

    /// A click beside a small object zooms out: the object must not fall between the cells.
    @Test func smallObjectsAreNotLostInALargerView() throws {
        let (width, height) = (2000, 1500)
        let points = [Self.point(1003, 703), Self.point(40, 1450)]
        var inquiry = try Inquiry(
            Prompt(points: points), width: width, height: height, model: Self.model.configuration, isAdapted: false)
        func answer(_ window: PixelBox?, _ logits: (Int, Int) -> Float) -> MaskPrediction {
            let side = Self.model.configuration.logitsSide
            return MaskPrediction(
                lowResolutionLogits: Tensor(
                    shape: [side, side], (0..<side * side).map { logits($0 % side, $0 / side) }),
                predictedIoU: 0.5, index: 0,
                geometry: ImageGeometry(
                    width: width, height: height, window: window, side: Self.model.configuration.imageSize))
        }
        inquiry.take(answer(nil) { x, y in (x, y) == (8, 5) ? 5 : -5 })
        let close = try #require(inquiry.window)
        // A few of its pixels in the middle.
        inquiry.take(answer(close) { x, y in (7...8).contains(x) && (7...8).contains(y) ? 30 : -5 })
        #expect(inquiry.window == nil)
        let shown = try #require(inquiry.prompt.maskLogits).elements
        #expect(shown.contains { $0 > -2 } && shown.count { $0 == -4 } > 200)
    }

    /// The last cell of a ribbon reaches beyond the image.
    @Test func ribbonsKeepTheAnswerBefore() throws {
        for height in 1...4 {
            var inquiry = try Inquiry(
                Prompt(points: [Self.point(110, 0), Self.point(900, 0)]), width: 1000, height: height,
                model: Self.model.configuration, isAdapted: false)
            while !inquiry.isLast {
                let side = Self.model.configuration.logitsSide
                let geometry = ImageGeometry(
                    width: 1000, height: height, window: inquiry.window, side: Self.model.configuration.imageSize)
                inquiry.take(
                    MaskPrediction(
                        lowResolutionLogits: Tensor(
                            shape: [side, side],
                            (0..<side * side).map { inquiry.window == nil && $0 % side != 1 ? -6 : 6 }),
                        predictedIoU: 0.5, index: 0, geometry: geometry))
            }
            let shown = try #require(inquiry.prompt.maskLogits)
            #expect((0..<16).contains { shown[0, $0] > 0 }, "\(height) pixels high")
        }
    }

    /// Whoever points where the answer is right already has not pointed because of the answer.
    @Test func pointsThatAreNoCorrectionsAreAskedAtOnce() throws {
        let points = [Self.point(100, 100), Self.point(150, 110), Self.point(110, 90), Self.point(30, 30)]
        var inquiry = try Self.inquiry(Prompt(points: points))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)], on: inquiry.window))
        #expect(inquiry.prompt.points == Array(points.prefix(2)) && inquiry.prompt.maskLogits != nil)
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 159, y1: 119)], on: inquiry.window))
        #expect(!inquiry.isLast && inquiry.window == nil && inquiry.prompt == Prompt(points: points))
        // Then as one point is.
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 159, y1: 119)]))
        #expect(inquiry.isLast && inquiry.prompt == Prompt(points: points))
        // All of it, as the last point is far away: 30 to 159, and as much again.
        #expect(inquiry.window == PixelBox(x0: 0, y0: 0, x1: 259, y1: 239))
    }

    @Test func backgroundPointsWhereNothingWasFoundAreNoCorrections() throws {
        let points = [Self.point(100, 100), Self.point(110, 60, isForeground: false)]
        var inquiry = try Self.inquiry(Prompt(points: points))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)]))
        inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)], on: inquiry.window))
        #expect(!inquiry.isLast && inquiry.window == nil && inquiry.prompt == Prompt(points: points))
    }

    @Test(arguments: [12, 13]) func manyPointsAreAskedAtOnce(_ count: Int) throws {
        let clicks = (0..<count).map { Self.point(Float(150 + 2 * $0), 20) }
        var inquiry = try Self.inquiry(Prompt(points: clicks))
        #expect(inquiry.prompt.points.count == (count == 12 ? 1 : 13))
        var steps = 0
        while !inquiry.isLast {
            inquiry.take(Self.boxes([.init(x0: 80, y0: 80, x1: 119, y1: 119)], on: inquiry.window))
            steps += 1
        }
        #expect(inquiry.prompt.points == clicks && steps == (count == 12 ? 12 : 1))
    }

    @Test func embeddedImageTakesEveryStep() throws {
        let image = testImage(width: 90, height: 60)
        let clicks = [Self.point(30, 30), Self.point(40, 20, isForeground: false), Self.point(35, 38)]
        for count in 1...3 {
            let prompt = Prompt(points: Array(clicks.prefix(count)))
            var inquiry = try Inquiry(
                prompt, width: 90, height: 60, model: Self.model.configuration, isAdapted: false)
            func embedding() -> ImageEmbedding { Self.predictor.embed(image, window: inquiry.window) }
            while !inquiry.isLast {
                inquiry.take(try Self.predictor.answer(inquiry, on: embedding()))
            }
            let view = try EmbeddedImage(image, by: Self.predictor).view(of: prompt)
            #expect(view.prompt == inquiry.prompt)
            #expect(view.embedding.geometry == embedding().geometry)
            #expect(view.embedding.tensor.elements == embedding().tensor.elements)
        }
    }

    @Test func badPointsAreRefusedBeforeAnybodyLooks() {
        let prompt = Prompt(points: [Self.point(1, 1), Self.point(.nan, 1)])
        #expect(throws: PromptError.self) { try Self.inquiry(prompt) }
        #expect(throws: PromptError.self) {
            try EmbeddedImage(testImage(width: 9, height: 6), by: Self.predictor).segment(prompt)
        }
    }
}
