import Basics
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Which of several masks says where to look, and which answers.
@Suite struct AgreementTests {
    private let image = testImage(width: 90, height: 60)
    private let click = Prompt(points: [.init(x: 30, y: 30, isForeground: true)])

    private func predictor(seed: UInt64, drawnPrompts: Bool = true) -> Predictor {
        var configuration = Configuration.tiny
        configuration.focusedBoxes = true
        configuration.drawnPrompts = drawnPrompts
        return Predictor(SegmentAnythingModel(configuration: configuration, randomSeed: seed))
    }

    private func inquiry(_ prompt: Prompt, _ predictor: Predictor) throws -> Inquiry {
        try Inquiry(prompt, width: 90, height: 60, model: predictor.model.configuration, isAdapted: false)
    }

    /// An answer on an image as wide as the square of logits, and of `height` rows.
    private func answer(_ logits: [Float], height: Int? = nil) -> MaskPrediction {
        let side = Int(Double(logits.count).squareRoot())
        return MaskPrediction(
            lowResolutionLogits: Tensor(shape: [side, side], logits), predictedIoU: 0, index: 0,
            geometry: ImageGeometry(width: side, height: height ?? side, side: side))
    }

    /// Sums of Dice over sets of cells, as simply as can be.
    private func mostAgreedWith(_ answers: [MaskPrediction]) -> Int {
        let masks = answers.map { answer in
            let (side, shown) = (answer.lowResolutionLogits.shape[0], answer.geometry.resizedHeight)
            let rows = Float(side * shown) / Float(answer.geometry.side)
            let logits = answer.lowResolutionLogits.elements
            return Set(logits.indices.filter { logits[$0] > 0 && Float($0 / side) < rows })
        }
        let sums = masks.indices.map { one in
            masks.indices.filter { $0 != one }.reduce(0.0) { sum, other in
                let total = masks[one].count + masks[other].count
                return sum + (total == 0 ? 0 : 2 * Double(masks[one].intersection(masks[other]).count) / Double(total))
            }
        }
        return sums.firstIndex(of: sums.max() ?? 0) ?? 0
    }

    @Test func agreementIsTheSumOfDiceWithTheOthers() {
        var random = SeededRandom(seed: 3)
        var chosen = Set<Int>()
        for _ in 0..<200 {
            let answers = (0..<4).map { _ in
                let level = Float.random(in: -1...1, using: &random)
                return answer((0..<25).map { _ in Float.random(in: -1...1, using: &random) + level })
            }
            let index = MaskPrediction.mostAgreedWith(answers)
            #expect(index == mostAgreedWith(answers))
            chosen.insert(index)
        }
        #expect(chosen == [0, 1, 2, 3])
    }

    @Test func emptyMasksAgreeOnNothingAndOfEqualsTheFirstIsTaken() {
        let (empty, one, two) = (answer([-1, -1, -1, -1]), answer([1, -1, -1, -1]), answer([1, 1, 0, -1]))
        #expect(MaskPrediction.mostAgreedWith([empty, empty, one, two]) == 2)
        #expect(MaskPrediction.mostAgreedWith([empty, empty]) == 0)
        #expect(MaskPrediction.mostAgreedWith([empty, two, empty]) == 1)
        #expect(MaskPrediction.mostAgreedWith([one, answer([-1, -1, -1, 1])]) == 0)
        #expect(MaskPrediction.mostAgreedWith([two]) == 0)
    }

    /// What is drawn below an oblong image is nobody's opinion.
    @Test func cellsThatShowNoImageDoNotCount() {
        let (first, second) = (answer([1, -1, 1, 1], height: 1), answer([-1, 1, 1, 1], height: 1))
        let third = answer([-1, 1, -1, -1], height: 1)
        #expect(MaskPrediction.mostAgreedWith([first, second, third]) == 1)
    }

    /// Weights are random, so now one leads, now another, and not always the one that is foretold to be best.
    @Test func aLookIsAnsweredByTheMaskThatTheOthersAgreeWith() throws {
        var differs = 0
        for seed in 0..<12 {
            let predictor = predictor(seed: UInt64(seed))
            let embedding = predictor.embed(image)
            let masks = try [false, true].flatMap { try predictor.predict(embedding, [click], multimask: $0)[0] }
                .sorted { $0.index < $1.index }
            let inquiry = try inquiry(click, predictor)
            #expect(inquiry.isLooking)
            let seen = try predictor.answer(inquiry, on: embedding)
            #expect(masks.map(\.index) == [0, 1, 2, 3] && seen.index == mostAgreedWith(masks))
            if try predictor.segment(embedding, [click])[0].index != seen.index { differs += 1 }
        }
        #expect(differs > 0)
    }

    /// The last question of every inquiry, and every look that is no lone click's or no model's of the project.
    @Test func allElseIsAnsweredAsItIsAsked() throws {
        for seed in UInt64(0)..<6 {
            let (own, other) = (predictor(seed: seed), predictor(seed: seed, drawnPrompts: false))
            var last = try inquiry(click, own)
            last.take(try own.answer(last, on: own.embed(image)))
            #expect(last.isLast && !last.isLooking)
            let many = Prompt(points: (0..<14).map { .init(x: Float(3 * $0), y: 9, isForeground: true) })
            let asked = [(last, own), (try inquiry(click, other), other), (try inquiry(many, own), own)]
            for (inquiry, predictor) in asked {
                let embedding = predictor.embed(image, window: inquiry.window)
                let (one, two) = (
                    try predictor.answer(inquiry, on: embedding),
                    try predictor.segment(embedding, [inquiry.prompt])[0]
                )
                #expect(one.index == two.index)
                #expect(one.lowResolutionLogits.elements == two.lowResolutionLogits.elements)
            }
        }
    }
}
