/// Whether the adapter may answer: for each kind of prompt, only if the folds say that it helps there.
///
/// A kind that gains much does not buy another's harm: the adapter may answer promptless requests while the base model goes
/// on answering boxes. Of several labels the mean must gain, and none may lose: one answer shows them all, so that they are
/// let through together or not at all.
///
/// Without a prompt two may answer in the base model's place, and both learnt it from the support set: the adapter, and the likeness to the set's
/// object. The adapter must reliably beat what is there without a support set, the model's own answer; of the two the better one on the mean is taken, as neither has
/// a claim to the doubt. Of several labels the model's own answer tells none, so that nothing else is to be beaten.
package struct Gate: Sendable, Equatable {
    /// The chance of serving an adapter whose true gain is the margin.
    package static let level = 0.1

    /// The mean loss in Dice, against the margin, that boxes drawn with care may bear for what others gain.
    package static let tolerance = 0.01

    /// In Dice: by how much the adapter must be better than the likeness, which costs nothing and does not depend on steps; with a margin that
    /// bears a loss, by nothing more.
    package static let preference = 0.005

    package struct Verdict: Sendable, Equatable {
        package let prompt: PromptKind
        /// Of Dice, paired; over patients: the gain over what answers otherwise.
        package let test: PairedTest
        /// Labels whose gain reliably stays below the margin, whatever the others gain.
        package let harmedLabels: [Int]
        /// With a box: the mean gain in Dice by boxes drawn with care; nil with other prompts.
        package let carefulGain: Double?
        /// Whether those lose more than the tolerance.
        package let isCareHarmed: Bool
        /// Without a prompt: the gain over the decoder's own answer; nil with one, of several labels, and where the support set never
        /// answered in its place.
        package let ownTest: PairedTest?

        /// Whether the adapter gains more than was asked for over what answers otherwise.
        package let isBetter: Bool
        /// Whether that is no gain over the model's own answer. It is enough to be better than that on the mean where the adapter is reliably
        /// better than what answers otherwise: to leave it to something worse, which may say too often that the object is not there, would be
        /// no caution.
        package var isOwnUnbeaten: Bool {
            guard let ownTest, ownTest.pValue >= Gate.level else { return false }
            return ownTest.pValue >= 0.5 || test.pValue >= Gate.level
        }

        package var isServed: Bool { isBetter && !isOwnUnbeaten && harmedLabels.isEmpty && !isCareHarmed }
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
                // A label that no example shows has answers without a prompt alone.
                return !gains.isEmpty && PairedTest(gains.map { -$0 }, above: -margin).pValue < Self.level
            }
            let careful = Self.carefulGain(base, adapted, patients) { $0.prompt == kind }
            let isOtherwiseAsked = base.contains { $0.prompt == kind && $0.ownDice != nil }
            let isLearnt = base.contains { score in
                score.prompt == kind && (score.ownDice != nil || score.route.map { $0 != .model } ?? false)
            }
            let own =
                isOtherwiseAsked
                ? Self.differences(base, adapted, patients, of: { $0.ownDice ?? $0.dice }) { $0.prompt == kind } : nil
            let test = PairedTest(differences, above: margin)
            return Verdict(
                prompt: kind, test: test, harmedLabels: harmed,
                carefulGain: careful, isCareHarmed: careful.map { $0 < margin - Self.tolerance } ?? false,
                ownTest: own.map { PairedTest($0, above: margin) },
                isBetter: isLearnt
                    ? test.mean > (margin < 0 ? margin : margin + Self.preference) : test.pValue < Self.level)
        }
        let means = (differences.first ?? []).indices.map { patient in
            differences.reduce(0) { $0 + $1[patient] } / Double(differences.count)
        }
        overall = PairedTest(means, above: margin)
    }

    /// The mean over patients, as of every gain.
    private static func carefulGain(
        _ base: [HeldOutScore], _ adapted: [HeldOutScore], _ patients: [Int], where isWanted: (HeldOutScore) -> Bool
    ) -> Double? {
        let gains = differences(
            base, adapted, patients, of: { $0.carefulDice ?? 0 }, where: { isWanted($0) && $0.carefulDice != nil })
        return gains.isEmpty ? nil : gains.reduce(0, +) / Double(gains.count)
    }

    /// The mean Dice of each patient in `adapted` less that in `base`, in the order of the patients' numbers.
    ///
    /// - Parameter value: What counts as the Dice of either.
    static func differences(
        _ base: [HeldOutScore], _ adapted: [HeldOutScore], _ patients: [Int],
        of value: (HeldOutScore) -> Double = \.dice, where isWanted: (HeldOutScore) -> Bool
    ) -> [Double] {
        func mean(_ scores: [HeldOutScore]) -> [Int: Double] { Self.mean(scores.filter(isWanted), patients, value) }
        let (before, after) = (mean(base), mean(adapted))
        return before.sorted { $0.key < $1.key }.compactMap { patient, dice in after[patient].map { $0 - dice } }
    }

    /// The mean of each patient's scores.
    static func mean(
        _ scores: [HeldOutScore], _ patients: [Int], _ value: (HeldOutScore) -> Double = \.dice
    ) -> [Int: Double] {
        Dictionary(grouping: scores) { patients[$0.example] }
            .mapValues { scores in scores.reduce(0) { $0 + value($1) } / Double(scores.count) }
    }
}
