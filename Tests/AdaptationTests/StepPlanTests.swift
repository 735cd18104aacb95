import Adaptation
import Testing

@Suite struct StepPlanTests {
    @Test func everyImageComesOncePerRoundAndEveryViewOncePerBlock() {
        let plan = StepPlan(exampleCount: 5, viewCount: 3, imagesPerStep: 2, seed: 4)
        let draws = (0..<30).flatMap { plan.draws(at: $0) }  // 60 draws: four blocks of three rounds of five
        for round in 0..<12 {
            #expect(Set(draws[round * 5..<(round + 1) * 5].map(\.example)) == Set(0..<5))
        }
        for block in 0..<4 {
            let pairs = draws[block * 15..<(block + 1) * 15].map { [$0.example, $0.view] }
            #expect(Set(pairs).count == 15)
        }
    }

    @Test func isAFunctionOfSeedAndStep() {
        let plan = StepPlan(exampleCount: 7, viewCount: 8, imagesPerStep: 3, seed: 4)
        #expect(plan.draws(at: 17) == StepPlan(exampleCount: 7, viewCount: 8, imagesPerStep: 3, seed: 4).draws(at: 17))
        #expect(plan.draws(at: 17) != plan.draws(at: 18))
        let other = StepPlan(exampleCount: 7, viewCount: 8, imagesPerStep: 3, seed: 5)
        #expect((0..<4).map { plan.draws(at: $0) } != (0..<4).map { other.draws(at: $0) })
    }

    @Test func oneImageWithOneViewIsAllowed() {
        let plan = StepPlan(exampleCount: 1, viewCount: 1, imagesPerStep: 2, seed: 0)
        let draws = plan.draws(at: 3)
        #expect(draws.map(\.example) == [0, 0])
        // The same view twice, but with prompts of its own each time.
        #expect(draws[0].generator != draws[1].generator)
    }
}
