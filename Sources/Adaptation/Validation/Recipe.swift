/// What an adaptation was asked for: which settings the client chose, and what the folds may choose.
package struct Recipe: Sendable, Equatable {
    /// A setting that the client may fix; what is not fixed is chosen.
    package enum Choice: Sendable, CaseIterable {
        case kind, steps, learningRate, decoderLearningRate, augmentedViews
    }

    /// The client's choices, and the defaults where there are none.
    package var settings: AdaptationSettings
    package var fixed: Set<Choice>
    /// What a job may take. Folds and a final fit are always done; whatever more is tried fits in here.
    package var budgetSeconds: Double
    /// The gain in Dice that an adapter must exceed to be served; -1 serves whatever was trained.
    package var margin: Double
    /// Labels that the adapter is to tell apart. Each needs steps of its own.
    package private(set) var labelCount = 1

    /// Beyond so many labels the steps no longer grow with them.
    private static let mostShares = 8

    package static let standardBudgetSeconds = 120.0

    package init(
        settings: AdaptationSettings = .init(kind: .decoder), fixed: Set<Choice> = [],
        budgetSeconds: Double = standardBudgetSeconds, margin: Double = 0
    ) {
        self.settings = settings
        self.fixed = fixed
        self.budgetSeconds = budgetSeconds
        self.margin = margin
    }

    /// The same recipe for so many labels.
    package func telling(_ labelCount: Int) -> Recipe {
        var recipe = self
        recipe.labelCount = labelCount
        return recipe
    }

    /// The settings to start from: as many steps for each label as one alone would have.
    private var beginning: AdaptationSettings {
        var settings = self.settings
        if !fixed.contains(.steps) { settings.steps *= min(max(labelCount, 1), Self.mostShares) }
        return settings
    }

    /// Throws when one of the numbers is out of its range.
    package func validate() throws(SettingsError) {
        guard budgetSeconds >= 1, budgetSeconds <= 86_400 else {
            throw SettingsError(
                field: "adaptation.budget_seconds", expectation: "a number from 1 to 86400", found: "\(budgetSeconds)")
        }
        guard margin >= -1, margin <= 1 else {
            throw SettingsError(
                field: "adaptation.gate_margin", expectation: "a number from -1 to 1, in Dice", found: "\(margin)")
        }
    }

    /// The recipes to try, the cheap and gentle first: what the client fixed is the same in all.
    func candidates() -> [AdaptationSettings] {
        var settings = beginning
        // Averaging over the ranks leaves a fourth of each factor's movement, so it needs longer strides.
        if settings.kind == .pooled, !fixed.contains(.learningRate) { settings.learningRate *= 2 }
        var candidates = [settings]
        if settings.kind.trainsDecoder, !fixed.contains(.decoderLearningRate) {
            var bolder = settings
            bolder.decoderLearningRate *= 3
            candidates.append(bolder)
        }
        if !fixed.contains(.kind), settings.kind == .decoder {
            var deeper = settings
            deeper.kind = .loraDecoder
            candidates.append(deeper)
        }
        return candidates
    }

    /// For one example, where nothing can be held out and harm would go unseen: a third of the steps at half the rates.
    func conservative() -> AdaptationSettings {
        var settings = beginning
        if !fixed.contains(.steps) { settings.steps = max(settings.steps / 3, 1) }
        if !fixed.contains(.learningRate) { settings.learningRate /= 2 }
        if !fixed.contains(.decoderLearningRate) { settings.decoderLearningRate /= 2 }
        return settings
    }

    /// The steps of a run after which its held-out images are segmented: where it may be stopped early.
    func marks(_ settings: AdaptationSettings) -> [Int] {
        guard !fixed.contains(.steps), settings.steps >= 3 else { return [settings.steps] }
        return [settings.steps / 3, settings.steps * 2 / 3, settings.steps]
    }
}
