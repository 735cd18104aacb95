/// What the folds say about an adapter: how it will do on images that it has not seen, beside the base model.
package struct HeldOut: Sendable {
    package let method: FoldPlan.Method
    package let foldCount: Int
    /// Nil: no patient was known.
    package let groupedBy: PatientGroups.Source?
    /// The same prompts on the same images.
    package let base: [HeldOutScore]
    package let adapted: [HeldOutScore]
    package let gate: Gate
    /// For each example how much the mean Dice of the others changes by its being trained on, estimated; nil: unknown.
    package let influence: [Double?]
    package let moreExamples: MoreExamples?
    /// Against the version that was served before; nil for a first version.
    package let previous: Comparison?
    private let patients: [Int]

    /// What further images would likely add.
    package struct MoreExamples: Sendable, Equatable {
        /// Images beside those that are there.
        package let count: Int
        /// Of mean Dice, and half its 95 % interval.
        package let gain: Double
        package let plusMinus: Double
    }

    /// The new version against the one before, on the examples that neither was trained on.
    package struct Comparison: Sendable, Equatable {
        package let examples: Int
        /// Of mean Dice, paired.
        package let gain: Interval
        /// The probability of such a loss or a larger one if the new version were no worse.
        package let pValue: Double
        package var isWorse: Bool { pValue < Gate.level }
    }

    init(
        plan: FoldPlan, patients: PatientGroups, base: [HeldOutScore], adapted: [HeldOutScore], margin: Double,
        influence: [Double?], moreExamples: MoreExamples?, previous: Comparison?
    ) {
        method = plan.method
        foldCount = plan.folds.count
        groupedBy = patients.source
        self.base = base
        self.adapted = adapted
        self.influence = influence
        self.moreExamples = moreExamples
        self.previous = previous
        self.patients = patients.groups
        gate = Gate(base: base, adapted: adapted, patients: patients.groups, margin: margin)
    }

    /// Over the images that show it; nil where no image has the measure (distances to an empty mask, millimetres without a spacing).
    ///
    /// - Parameter label: Nil: over all labels.
    package func interval(
        _ measure: Measure, _ prompt: PromptKind, label: Int? = nil, adapted isAdapted: Bool
    ) -> Interval? {
        let scores = (isAdapted ? adapted : base).filter { Self.isAsked($0, prompt, label) }
        return Interval(
            scores.compactMap { score in measure.value(of: score).map { (patients[score.example], $0) } },
            within: measure.range)
    }

    /// Of the adapter over the base model in Dice, paired.
    package func gain(_ prompt: PromptKind, label: Int? = nil) -> Interval? {
        let pairs = zip(base, adapted).filter { Self.isAsked($0.0, prompt, label) }
        return Interval(pairs.map { (patients[$0.example], $1.dice - $0.dice) }, within: Measure.gains)
    }

    /// When to look again at an answer of the adapter to a kind of prompt, by images that it was not trained on; nil where none
    /// of them was asked about.
    ///
    /// - Parameter label: Nil: over all labels.
    package func review(_ prompt: PromptKind, label: Int? = nil) -> ReviewThreshold? {
        let pairs = adapted.filter { Self.isAsked($0, prompt, label) }.compactMap { score in
            score.agreement.map { ReviewThreshold.Pair(agreement: $0, dice: score.dice) }
        }
        return pairs.isEmpty ? nil : ReviewThreshold(pairs)
    }

    /// Without a prompt: by which ways the base model was asked, and so many times each.
    package var ways: [(route: PromptlessRoute, count: Int)] {
        let routes = base.filter(\.isShown).compactMap(\.route)
        return PromptlessRoute.allCases.map { route in (route, routes.count { $0 == route }) }.filter { $0.count > 0 }
    }

    /// Without a prompt: how often an object that an image shows was not found.
    package func missed(adapted isAdapted: Bool) -> Int {
        (isAdapted ? adapted : base).count { $0.isShown && $0.isFound == false }
    }

    /// Without a prompt: images that do not show a label, and in how many of them it was found all the same.
    package func invented(_ label: Int, adapted isAdapted: Bool) -> (images: Int, found: Int) {
        let scores = (isAdapted ? adapted : base).filter { !$0.isShown && $0.label == label }
        return (scores.count, scores.count { $0.dice < 1 })
    }

    /// Whether a score is of a label that its image shows, under a kind of prompt.
    ///
    /// - Parameter label: Nil: any.
    private static func isAsked(_ score: HeldOutScore, _ prompt: PromptKind, _ label: Int?) -> Bool {
        score.isShown && score.prompt == prompt && (score.label == label || label == nil)
    }
}
