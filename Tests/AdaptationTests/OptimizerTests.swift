import Adaptation
import Tensor
import TestSupport
import Testing

@Suite struct OptimizerTests {
    static let start: [Float] = [1, -2, 0.5, 0]
    static let slopes: [[Float]] = [[0.1, -0.2, 0.3, 0], [0.5, 0.5, -0.5, 1e-3], [-3, 2, 1, 0.5]]

    /// Recorded with PyTorch 2.15: `AdamW([p], lr=.1, weight_decay=.01)`, `clip_grad_norm_([p], 1.0)` before each step.
    static let recorded: [[Float]] = [
        [0.898_999_99, -1.898, 0.399_500_01, 0], [0.811_996_34, -1.940_323_59, 0.428_456_63, -0.074_412_62],
        [0.829_028_73, -2.007_558_35, 0.422_249_32, -0.138_651_79],
    ]

    static func optimizer(_ shapes: [[Int]], rate: Float = 0.1, decay: Float = 0.01) -> Optimizer {
        Optimizer(
            schedule: LearningRateSchedule(steps: 100, warmUp: 0, floor: 1),
            rates: shapes.map { _ in rate }, weightDecay: decay,
            moments: shapes.map { AdamWMoments(like: Tensor(zeros: $0)) })
    }

    @Test func equalsPyTorchWithClipping() throws {
        var optimizer = Self.optimizer([[4]])
        var tensors = [Tensor(shape: [4], Self.start)]
        for (step, slope) in Self.slopes.enumerated() {
            let gradients = [Tensor(shape: [4], slope)]
            let updated = optimizer.update(tensors, gradients: gradients, step: step)
            tensors = try #require(updated)
            #expect(relativeError(tensors[0].elements, Self.recorded[step]) < 1e-5)
        }
    }

    @Test func theFirstStepMovesEachWeightByTheRateWhateverItsSlope() throws {
        // By hand: m = 0.1 g, v = 0.001 g², corrected to g and g², so the step is rate · g / |g|.
        var optimizer = Self.optimizer([[3]], rate: 0.25, decay: 0)
        let updated = optimizer.update(
            [Tensor(shape: [3], [0, 0, 0])], gradients: [Tensor(shape: [3], [0.5, -1e-3, 0])], step: 0)
        let moved = try #require(updated)
        #expect(relativeError(moved[0].elements, [-0.25, 0.25, 0]) < 1e-4)
    }

    @Test func clippingLooksAtAllTensorsTogether() throws {
        // Norm 5 over both tensors: what is left has norm 1, so the first moments are 0.1 · g / 5.
        var optimizer = Self.optimizer([[1], [1]])
        let zeros = [Tensor(zeros: [1]), Tensor(zeros: [1])]
        _ = optimizer.update(zeros, gradients: [Tensor(shape: [1], [3]), Tensor(shape: [1], [4])], step: 0)
        #expect(relativeError(optimizer.moments.map { $0.first.elements[0] }, [0.06, 0.08]) < 1e-5)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func aGradientThatIsNotFiniteChangesNothing(_ bad: Float) {
        var optimizer = Self.optimizer([[2]])
        let before = optimizer.moments[0].first.elements
        let update = optimizer.update(
            [Tensor(shape: [2], [1, 2])], gradients: [Tensor(shape: [2], [0.1, bad])], step: 0)
        #expect(update == nil)
        #expect(optimizer.moments[0].first.elements == before)
    }
}

@Suite struct LearningRateScheduleTests {
    @Test func risesToThePeakThenFallsToTheFloor() {
        let schedule = LearningRateSchedule(steps: 100, warmUp: 10, floor: 0.1)
        let factors = (0..<100).map { schedule.factor(at: $0) }
        #expect(zip(factors[..<10], factors[1...10]).allSatisfy { $0 < $1 })
        #expect(factors[10] == 1)
        #expect(zip(factors[10...], factors[11...]).allSatisfy { $0 > $1 })
        #expect(abs(factors[55] - 0.55) < 1e-6)  // halfway down: the mean of peak and floor
        #expect(factors[99] > 0.1 && factors[99] < 0.11)
    }

    @Test(arguments: [1, 2, 5, 19]) func shortRunsStillLearn(_ steps: Int) {
        let schedule = LearningRateSchedule(steps: steps)
        #expect((0..<steps).allSatisfy { schedule.factor(at: $0) > 0 && schedule.factor(at: $0) <= 1 })
    }
}
