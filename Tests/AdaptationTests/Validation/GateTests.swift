import Adaptation
import Testing

@Suite struct GateTests {
    /// Twenty slices of one patient that gain a little do not outvote three patients that lose by careful boxes.
    @Test func carefulBoxesCountByPatients() throws {
        let patients = [Int](repeating: 0, count: 20) + [1, 2, 3]
        func scores(_ careful: (Int) -> Double) -> [HeldOutScore] {
            patients.indices.flatMap { example in
                HeldOutScorer.kinds.map { kind in
                    HeldOutScore(
                        example: example, prompt: kind, dice: 0.8, carefulDice: kind == .box ? careful(example) : nil)
                }
            }
        }
        let gate = Gate(
            base: scores { _ in 0.8 }, adapted: scores { $0 < 20 ? 0.801 : 0.75 }, patients: patients, margin: 0)
        let verdict = try #require(gate.verdicts.first { $0.prompt == .box })
        let gain = try #require(verdict.carefulGain)
        #expect(abs(gain - (0.001 - 3 * 0.05) / 4) < 1e-12)
        #expect(verdict.isCareHarmed)
    }
}
