extension HeldOut.Comparison {
    /// Each version as it would be served on the examples that neither has seen: what its gate leaves to the base model is the base model's answer.
    ///
    /// - Parameters:
    ///   - previous: Scores of the version before, on the examples that it has not seen; nil is returned without any.
    ///   - served: The kinds of prompts that the version before answers.
    ///   - adapted: And `base`: on all examples; the same prompts in the same order.
    ///   - patients: The patient of each example.
    ///   - margin: The gain that the new version's gate asks for.
    package init?(
        previous: [HeldOutScore], served: Set<PromptKind>, adapted: [HeldOutScore], base: [HeldOutScore],
        patients: [Int], margin: Double
    ) {
        let asked = Set(previous.map(\.example))
        let gate = Gate(base: base, adapted: adapted, patients: patients, margin: margin)
        let unadapted = base.filter { asked.contains($0.example) }
        func answers(_ scores: [HeldOutScore], _ kinds: Set<PromptKind>) -> [HeldOutScore] {
            zip(scores, unadapted).map { kinds.contains($0.prompt) ? $0 : $1 }
        }
        let before = answers(previous, served)
        let after = answers(
            adapted.filter { asked.contains($0.example) }, Set(gate.verdicts.filter(\.isServed).map(\.prompt)))
        func pValue(_ isWanted: (HeldOutScore) -> Bool) -> Double? {
            let losses = Gate.differences(after, before, patients, where: isWanted)
            return losses.isEmpty ? nil : PairedTest(losses, above: 0).pValue
        }
        // What one kind of prompt gains does not buy what another loses; asked so often, each is asked the more strictly.
        let kinds = HeldOutScorer.kinds
        let each = kinds.compactMap { kind in pValue { $0.prompt == kind } }.map { min($0 * Double(kinds.count), 1) }
        let pairs = zip(before, after).map { (patient: patients[$0.example], value: $1.dice - $0.dice) }
        guard let gain = Interval(pairs, within: Measure.gains), let overall = pValue({ _ in true }) else { return nil }
        self.init(examples: asked.count, gain: gain, pValue: min(overall, each.min() ?? 1))
    }
}
