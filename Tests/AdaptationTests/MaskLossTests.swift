import Adaptation
import Basics
import Glibc
import Tensor
import TestSupport
import Testing

@Suite struct MaskLossTests {
    // Recorded with PyTorch 2.15 in double precision from the formulas in MaskLoss's comment, written with
    // F.binary_cross_entropy_with_logits; gradients by autograd.
    static let logits: [Float] = [2, -1, 0.5, -3, 0, 4, -0.25, 1.5, -6]
    static let target = MaskTarget(
        side: 3, truth: [1, 0, 0.5, 0, 1, 0.75, 0, 1, 0], weight: [1, 1, 1, 1, 0.5, 1, 1, 0.25, 0])
    static let slopes: [Float] = [
        -0.01778768199758168, 0.02694056182060641, -0.0012078470667122223, 0.004447029540294351, -0.04241329896932888,
        0.0013634192590268128, 0.05479758147954572, -0.006691491177265907, 0,
    ]

    /// Two masks, of which only the first is to count.
    static func evaluate(_ loss: MaskLoss, _ logits: [Float], quality: Float, _ target: MaskTarget) -> (
        value: Float, logitGradient: [Float], qualityGradient: [Float]
    ) {
        let other = [Float](repeating: 9, count: logits.count)
        let leaves = [
            Value.parameter(Tensor(shape: [1, 2, target.side, target.side], logits + other)),
            Value.parameter(Tensor(shape: [1, 2], [quality, 0.3])),
        ]
        let value = loss(logits: leaves[0], quality: leaves[1], target: target)
        let found = gradients(of: value, for: leaves)
        return (value.tensor.elements[0], found[0].elements, found[1].elements)
    }

    @Test func equalsPyTorch() {
        let found = Self.evaluate(MaskLoss(qualityWeight: 1), Self.logits, quality: 0.7, Self.target)
        #expect(abs(found.value - (0.04280850188190218 + 0.2505887229305762 + 0.01)) < 1e-6)
        #expect(relativeError(Array(found.logitGradient[..<9]), Self.slopes) < 1e-5)
        #expect(found.logitGradient[9...].allSatisfy { $0 == 0 })
        #expect(abs(found.qualityGradient[0] + 0.2) < 1e-5 && found.qualityGradient[1] == 0)
    }

    @Test func weightsScaleTheTerms() {
        func value(_ focal: Float, _ dice: Float) -> Float {
            Self.evaluate(MaskLoss(focalWeight: focal, diceWeight: dice), Self.logits, quality: 0, Self.target).value
        }
        #expect(abs(value(1, 0) - 0.04280850188190218) < 1e-6)
        #expect(abs(value(0, 1) - 0.2505887229305762) < 1e-6)
        #expect(abs(value(3, 2) - 3 * value(1, 0) - 2 * value(0, 1)) < 1e-6)
    }

    @Test func withoutItsWeightTheQualityHeadIsLeftAlone() {
        let found = Self.evaluate(MaskLoss(), Self.logits, quality: 0.7, Self.target)
        #expect(found.qualityGradient == [0, 0])
    }

    @Test(arguments: [1, 2, 5, 16]) func slopesMatchFiniteDifferences(_ side: Int) {
        var generator = SeededRandom(seed: UInt64(side))
        let count = side * side
        let logits = (0..<count).map { _ in generator.uniform() * 8 - 4 }
        let target = MaskTarget(
            side: side, truth: (0..<count).map { _ in generator.uniform() },
            weight: (0..<count).map { _ in generator.uniform() })
        let found = Self.evaluate(MaskLoss(focalWeight: 1.5, diceWeight: 0.7), logits, quality: 0, target)
        let numeric = (0..<count).map { index -> Float in
            Float(
                (Self.naive(logits, target, 1.5, 0.7, shifting: index, by: 1e-4)
                    - Self.naive(logits, target, 1.5, 0.7, shifting: index, by: -1e-4)) / 2e-4)
        }
        #expect(relativeError(Array(found.logitGradient[..<count]), numeric) < 1e-4)
        #expect(abs(Double(found.value) - Self.naive(logits, target, 1.5, 0.7, shifting: 0, by: 0)) < 1e-5)
    }

    /// The formulas as they stand, in double precision.
    static func naive(
        _ logits: [Float], _ target: MaskTarget, _ focalWeight: Double, _ diceWeight: Double, shifting: Int,
        by shift: Double
    ) -> Double {
        var (focal, area, overlap, predicted, marked) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for index in logits.indices {
            let logit = Double(logits[index]) + (index == shifting ? shift : 0)
            let (truth, weight) = (Double(target.truth[index]), Double(target.weight[index]))
            let probability = 1 / (1 + exp(-logit))
            let crossEntropy = -truth * log(probability) - (1 - truth) * log(1 - probability)
            focal += weight * pow(abs(truth - probability), 2) * crossEntropy
            area += weight
            overlap += weight * probability * truth
            predicted += weight * probability
            marked += weight * truth
        }
        return focalWeight * focal / max(area, 1)
            + diceWeight * (1 - (2 * overlap + 1) / (predicted + marked + 1))
    }

    @Test func isFiniteForTheMostExtremeLogits() {
        let extreme: [Float] = [1e30, -1e30, 88, -88, 200, -200, 0, -0.0, 1e-30]
        let found = Self.evaluate(MaskLoss(qualityWeight: 1), extreme, quality: 1e3, Self.target)
        #expect(found.value.isFinite)
        #expect(found.logitGradient.allSatisfy { $0.isFinite })
    }

    @Test func isNaNForNaN() {
        var logits = Self.logits
        logits[4] = .nan
        #expect(Self.evaluate(MaskLoss(), logits, quality: 0, Self.target).value.isNaN)
    }

    @Test func aPerfectMaskCostsNextToNothing() {
        let target = MaskTarget(side: 2, truth: [1, 0, 0, 1], weight: [1, 1, 1, 1])
        let found = Self.evaluate(MaskLoss(qualityWeight: 1), [30, -30, -30, 30], quality: 1, target)
        #expect(found.value < 1e-6)
    }
}
