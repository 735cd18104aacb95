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

    /// The Dice of twelve examples of as many patients by each kind of prompt.
    private func scores(_ dice: [PromptKind: Double]) -> [HeldOutScore] {
        (0..<12).flatMap { example in
            HeldOutScorer.kinds.map { HeldOutScore(example: example, prompt: $0, dice: dice[$0] ?? 0) }
        }
    }

    private func comparison(
        before: [PromptKind: Double], after: [PromptKind: Double],
        served: Set<PromptKind> = Set(PromptKind.allCases)
    ) throws -> HeldOut.Comparison {
        let base = scores([.box: 0.5, .point: 0.5, .none: 0.5])
        let previous = scores(before).filter { $0.example >= 4 }
        return try #require(
            HeldOut.Comparison(
                previous: previous, served: served, adapted: scores(after), base: base, patients: Array(0..<12),
                margin: 0))
    }

    /// What points gain does not buy what boxes reliably lose, though the mean over the kinds rises.
    @Test func aVersionIsComparedByEachKindOfPrompt() throws {
        let sound: [PromptKind: Double] = [.box: 0.8, .point: 0.7, .none: 0.7]
        let mixed = try comparison(before: sound, after: [.box: 0.6, .point: 0.95, .none: 0.95])
        #expect(mixed.examples == 8)
        #expect(mixed.gain.mean > 0.05)
        #expect(mixed.isWorse)
        #expect(try !comparison(before: sound, after: [.box: 0.82, .point: 0.95, .none: 0.95]).isWorse)
        #expect(try !comparison(before: sound, after: sound).isWorse)
    }

    /// A kind that neither answers is the base model's in both, whatever the adapters would have said.
    @Test func whatIsLeftToTheBaseModelIsTheSameInBothVersions() throws {
        let before: [PromptKind: Double] = [.box: 0.8, .point: 0.9, .none: 0.8]
        // By points the new one is worse than the base model: its gate leaves them alone.
        let after: [PromptKind: Double] = [.box: 0.8, .point: 0.2, .none: 0.8]
        #expect(try !comparison(before: before, after: after, served: [.box, .none]).isWorse)
        #expect(try comparison(before: before, after: after, served: [.box, .none]).gain.mean == 0)
        #expect(try comparison(before: before, after: after).isWorse)
    }
}
