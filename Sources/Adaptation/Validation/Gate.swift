/// Whether the adapter may answer: for each kind of prompt, only if the folds say that it helps there.
///
/// A kind that gains much does not buy another's harm: the adapter may answer promptless requests while the base model goes
/// on answering boxes. Of several labels the mean must gain, and none may lose: one answer shows them all, so that they are
/// let through together or not at all.
package struct Gate: Sendable, Equatable {
    /// The chance of serving an adapter whose true gain is the margin.
    package static let level = 0.1

    /// The mean loss in Dice, against the margin, that boxes drawn with care may bear for what others gain.
    package static let tolerance = 0.01

    package struct Verdict: Sendable, Equatable {
        package let prompt: PromptKind
        /// Of Dice, paired; over patients.
        package let test: PairedTest
        /// Labels whose gain reliably stays below the margin, whatever the others gain.
        package let harmedLabels: [Int]
        /// With a box: the mean gain in Dice by boxes drawn with care; nil with other prompts.
        package let carefulGain: Double?
        /// Whether those lose more than the tolerance.
        package let isCareHarmed: Bool

        package var isServed: Bool { test.pValue < Gate.level && harmedLabels.isEmpty && !isCareHarmed }
    }

    /// The gain in Dice that must be exceeded.
    package let margin: Double
    /// One for each kind of prompt.
    package let verdicts: [Verdict]
    /// Of the mean over the kinds.
    package let overall: PairedTest

    package var isServed: Bool { verdicts.contains(where: \.isServed) }

    /// - Parameters:
    ///   - base: And `adapted`: scores of the same prompts on the same examples.
    ///   - patients: The patient of each example.
    package init(base: [HeldOutScore], adapted: [HeldOutScore], patients: [Int], margin: Double) {
        self.margin = margin
        let differences = HeldOutScorer.kinds.map { kind in
            Self.differences(base, adapted, patients) { $0.prompt == kind }
        }
        let labels = Set(base.map(\.label)).sorted()
        verdicts = zip(HeldOutScorer.kinds, differences).map { kind, differences in
            let harmed = labels.filter { label in
                let gains = Self.differences(base, adapted, patients) { $0.prompt == kind && $0.label == label }
                return PairedTest(gains.map { -$0 }, above: -margin).pValue < Self.level
            }
            let careful = Self.carefulGain(base.filter { $0.prompt == kind }, adapted.filter { $0.prompt == kind })
            return Verdict(
                prompt: kind, test: PairedTest(differences, above: margin), harmedLabels: harmed,
                carefulGain: careful, isCareHarmed: careful.map { $0 < margin - Self.tolerance } ?? false)
        }
        let means = (differences.first ?? []).indices.map { patient in
            differences.reduce(0) { $0 + $1[patient] } / Double(differences.count)
        }
        overall = PairedTest(means, above: margin)
    }

    private static func carefulGain(_ base: [HeldOutScore], _ adapted: [HeldOutScore]) -> Double? {
        let gains = zip(base, adapted).compactMap { base, adapted in
            base.carefulDice.flatMap { before in adapted.carefulDice.map { $0 - before } }
        }
        return gains.isEmpty ? nil : gains.reduce(0, +) / Double(gains.count)
    }

    /// The mean Dice of each patient in `adapted` less that in `base`, in the order of the patients' numbers.
    static func differences(
        _ base: [HeldOutScore], _ adapted: [HeldOutScore], _ patients: [Int], where isWanted: (HeldOutScore) -> Bool
    ) -> [Double] {
        let (before, after) = (meanDice(base, patients, isWanted), meanDice(adapted, patients, isWanted))
        return before.sorted { $0.key < $1.key }.compactMap { patient, dice in after[patient].map { $0 - dice } }
    }

    private static func meanDice(
        _ scores: [HeldOutScore], _ patients: [Int], _ isWanted: (HeldOutScore) -> Bool
    ) -> [Int: Double] {
        Dictionary(grouping: scores.filter(isWanted)) { patients[$0.example] }
            .mapValues { scores in scores.reduce(0) { $0 + $1.dice } / Double(scores.count) }
    }
}
