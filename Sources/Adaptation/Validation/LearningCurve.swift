import Glibc

/// What more examples would likely add, from runs on more and on fewer of those that are there.
///
/// The Dice that is missing is taken to fall as a power of the number of training images: two sizes give the power, and the
/// power the next doubling.
struct LearningCurve {
    let doubling: HeldOut.MoreExamples

    /// Powers outside are what small samples make of noise.
    private static let powers = 0.0...1.0

    /// Nil without runs on halves.
    ///
    /// - Parameters:
    ///   - full: Held-out scores of the folds.
    ///   - half: Of the runs on halves, of the same prompts.
    init?(full: [HeldOutScore], half: [HeldOutScore], plan: FoldPlan, patients: PatientGroups) {
        let (full, half) = (full.filter(\.isShown), half.filter(\.isShown))
        guard !half.isEmpty, half.count == full.count else { return nil }
        let count = Double(patients.groups.count)
        let (halfSize, fullSize) = (count / 2, count - count / Double(plan.folds.count))
        let ratio = log2(fullSize / halfSize)
        guard ratio > 0 else { return nil }
        let missing = full.reduce(0) { $0 + 1 - $1.dice } / Double(full.count)
        let differences = Gate.differences(half, full, patients.groups) { _ in true }
        let mean = differences.reduce(0, +) / Double(differences.count)
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        // The prior of the gate's test: a few differences that happen to agree are not certainty.
        let freedom = PairedTest.priorFreedom + Double(differences.count) - 1
        let prior = PairedTest.priorFreedom * PairedTest.priorDeviation * PairedTest.priorDeviation
        let error = ((prior + squares) / freedom / Double(differences.count)).squareRoot()

        func gain(_ difference: Double) -> Double {
            guard missing > 0 else { return 0 }
            let found = log2((missing + difference) / missing) / ratio
            let power = min(max(found.isFinite ? found : 0, Self.powers.lowerBound), Self.powers.upperBound)
            let missingNow = missing * exp2(-power * log2(count / fullSize))
            return missingNow * (1 - exp2(-power))
        }
        doubling = HeldOut.MoreExamples(
            count: patients.groups.count, gain: gain(mean),
            plusMinus: max(gain(mean + 1.96 * error) - gain(mean), gain(mean) - gain(mean - 1.96 * error)))
    }
}
