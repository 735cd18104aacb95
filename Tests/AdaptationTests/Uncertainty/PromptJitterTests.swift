import Adaptation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct PromptJitterTests {
    private static let answer = discs(1)[0].mask

    @Test(arguments: [
        Prompt(points: [.init(x: 0, y: 31, isForeground: true), .init(x: 39, y: 0, isForeground: false)]),
        Prompt(box: .init(x0: 0, y0: 0, x1: 39, y1: 31)), Prompt(box: .init(x0: 5, y0: 5, x1: 5, y1: 5)),
        Prompt(points: [.init(x: 20, y: 10, isForeground: true)], box: .init(x0: 10, y0: 4, x1: 30, y1: 20)),
        .none,
    ]) func staysOnTheImageAndOfItsKind(_ prompt: Prompt) throws {
        let nearby = PromptJitter.prompts(around: prompt, answer: Self.answer)
        #expect(nearby.count == PromptJitter.count)
        for moved in nearby {
            try moved.check(width: 40, height: 32, logitsSide: tinyModel.configuration.logitsSide)
            guard prompt != .none else { continue }
            #expect(moved.points.map(\.isForeground) == prompt.points.map(\.isForeground))
            #expect((moved.box == nil) == (prompt.box == nil))
        }
        #expect(Set(nearby.map { "\($0)" }).count > 1 || prompt.box?.x0 == 5)
        #expect(nearby == PromptJitter.prompts(around: prompt, answer: Self.answer))
    }

    @Test func keepsTheMaskThatItIsToRefine() {
        let logits = Prompt.maskLogits(Self.answer, model: .tiny)
        for moved in PromptJitter.prompts(around: Prompt(maskLogits: logits), answer: Self.answer) {
            #expect(moved.maskLogits?.shape == logits.shape)
            #expect(moved.box != nil || !moved.points.isEmpty)
        }
    }

    @Test func hasNothingToVaryWithoutPromptAndAnswer() {
        #expect(PromptJitter.prompts(around: .none, answer: Mask(empty: 4, height: 4)).isEmpty)
    }
}

@Suite struct ReviewThresholdTests {
    private func threshold(_ pairs: [(Double, Double)]) -> ReviewThreshold {
        ReviewThreshold(pairs.map { .init(agreement: $0.0, dice: $0.1) })
    }

    @Test func separatesThePoorFromTheGood() {
        let threshold = threshold([(0.95, 0.9), (0.9, 0.88), (0.93, 0.91), (0.6, 0.4), (0.7, 0.6)])
        #expect(abs(threshold.value - 0.8) < 1e-9)
        #expect(threshold.count == 5)
    }

    @Test func takesTheShakiestWhenAllAreGood() {
        #expect(threshold([(0.95, 0.9), (0.9, 0.88)]).value == 0.9)
    }

    @Test func trustsNoneWhenAllArePoor() {
        #expect(threshold([(0.95, 0.1), (0.9, 0.3)]).value == 1)
    }

    @Test func isAGuessWithoutAnything() {
        #expect(threshold([]) == .uncalibrated)
    }
}
