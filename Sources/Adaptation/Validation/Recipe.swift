import Imaging
package import SegmentAnything

/// What an adaptation was asked for: which settings the client chose, and what the folds may choose.
package struct Recipe: Sendable, Equatable {
    /// A setting that the client may fix; what is not fixed is chosen.
    package enum Choice: Sendable, CaseIterable {
        case kind, steps, learningRate, decoderLearningRate, augmentedViews, tiles
    }

    /// The client's choices, and the defaults where there are none.
    package var settings: AdaptationSettings
    package var fixed: Set<Choice>
    /// What a job may take. Folds and a final fit are always done; whatever more is tried fits in here.
    package var budgetSeconds: Double
    /// The gain in Dice that an adapter must exceed to be served; -1 serves whatever was trained.
    package var margin: Double
    /// Whether the mean of the adapters to all folds but one is served, in place of one to all images.
    package var isEnsemble: Bool
    /// Labels that the adapter is to tell apart. Each needs steps of its own.
    package private(set) var labelCount = 1

    /// Beyond so many labels the steps no longer grow with them.
    private static let mostShares = 8
    /// How much slower a decoder is taught that must not lose what it knows.
    private static let gentleness: Float = 3
    /// What an encoder needs to see vessels by.
    private static let tiledRank = 16

    package static let standardBudgetSeconds = 120.0

    package init(
        settings: AdaptationSettings = .init(kind: .decoder), fixed: Set<Choice> = [],
        budgetSeconds: Double = standardBudgetSeconds, margin: Double = 0, isEnsemble: Bool = false
    ) {
        self.settings = settings
        self.fixed = fixed
        self.budgetSeconds = budgetSeconds
        self.margin = margin
        self.isEnsemble = isEnsemble
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
        guard isEnsemble else { return }
        guard settings.kind != .pooled else {
            throw SettingsError(
                field: "adaptation.ensemble",
                expectation: "false with adapter.kind \"pooled\", whose updates have no exact mean", found: "true")
        }
        let largest = AdaptationSettings.ranks.upperBound / FoldPlan.mostFolds
        guard settings.rank <= largest else {
            throw SettingsError(
                field: "adapter.rank",
                expectation: "at most \(largest) with adaptation.ensemble, which adds up the ranks of its members",
                found: "\(settings.rank)")
        }
    }

    /// The recipe for examples with these masks: with tiles where ``TileRule`` wants them and the client did not choose. Images
    /// with several labels are seen whole.
    func resolved(for masks: [Mask], model: Configuration) throws(SettingsError) -> Recipe {
        var recipe = self
        if !fixed.contains(.tiles), labelCount == 1 {
            recipe.settings.tileSide = TileRule.side(for: masks, model: model)
        }
        try recipe.checkTiles(masks.map { Extent(width: $0.width, height: $0.height) })
        guard recipe.settings.tileSide != nil else { return recipe }
        let longer = recipe.settings.lengthened()
        // The frozen encoder has not learnt to see what is thin; the rates are those measured on vessels.
        if !fixed.contains(.kind) {
            recipe.settings.kind = .loraDecoder
            recipe.settings.rank = Self.tiledRank
            recipe.settings.alpha = Float(Self.tiledRank)
            if !fixed.contains(.decoderLearningRate) { recipe.settings.decoderLearningRate = 3e-3 }
        }
        if !fixed.contains(.augmentedViews) { recipe.settings.augmentedViews = longer.augmentedViews }
        if !fixed.contains(.steps) { recipe.settings.steps = longer.steps }
        return recipe
    }

    /// Refuses tiles for several labels, and tiles that would cut an image into more parts than are allowed.
    package func checkTiles(_ sizes: [Extent]) throws(SettingsError) {
        guard let tiling = settings.tiling else { return }
        guard labelCount == 1 else {
            throw SettingsError(
                field: "adaptation.tiles",
                expectation: "\"auto\" or \"off\" for a task with several labels, or make a task of each thin label",
                found: "\(tiling.side) for \(labelCount) labels, which only whole images are answered for")
        }
        for size in sizes where max(size.width, size.height) > Tiling.longestImageSide {
            throw SettingsError(
                field: "adaptation.tiles",
                expectation:
                    "\"auto\" or \"off\", or crop the images: in tiles they have at most \(Tiling.longestImageSide) pixels a side",
                found: "\(tiling.side) for an image of \(size) pixels")
        }
        for size in sizes where tiling.count(width: size.width, height: size.height) > Tiling.limit {
            let enough = Tiling.sides.first { side in
                sizes.allSatisfy { Tiling(side: side).count(width: $0.width, height: $0.height) <= Tiling.limit }
            }
            throw SettingsError(
                field: "adaptation.tiles",
                expectation:
                    "\"auto\", \"off\", or at least \(enough ?? Tiling.sides.upperBound), so that no image is cut "
                    + "into more than \(Tiling.limit) tiles",
                found: "\(tiling.side), which cuts \(size) pixels into "
                    + "\(tiling.count(width: size.width, height: size.height)) tiles")
        }
    }

    /// The recipes to try, the cheap and then the best first, as time may not allow all: what the client fixed is the same in all. Where the kind is free, these three find more
    /// between them than any one alone (docs/adaptation.md); where it is not, a decoder may be taught more gently.
    func candidates() -> [AdaptationSettings] {
        let settings = beginning
        // In tiles the one recipe that was measured on vessels.
        guard settings.tileSide == nil else { return [settings] }
        guard fixed.contains(.kind) else {
            return [AdapterKind.decoder, .loraDecoder, .lora].map { kind in
                var settings = settings
                settings.kind = kind
                return settings
            }
        }
        guard settings.kind.trainsDecoder, !fixed.contains(.decoderLearningRate) else { return [settings] }
        var gentler = settings
        gentler.decoderLearningRate /= Self.gentleness
        return [settings, gentler]
    }

    /// For one example, where nothing can be held out and harm would go unseen: a third of the steps at half the rates.
    func conservative() -> AdaptationSettings {
        var settings = beginning
        if !fixed.contains(.steps) { settings.steps = max(settings.steps / 3, 1) }
        if !fixed.contains(.learningRate) { settings.learningRate /= 2 }
        if !fixed.contains(.decoderLearningRate) { settings.decoderLearningRate /= 2 }
        return settings
    }

    /// Training runs behind the folds: the final fit, or the members whose mean is served.
    func finalRuns(_ plan: FoldPlan?) -> Int { isEnsemble ? max(plan?.folds.count ?? 1, 1) : 1 }

    /// The steps of a run after which its held-out images are segmented: where it may be stopped early.
    func marks(_ settings: AdaptationSettings) -> [Int] {
        // In tiles looking costs as much as a third of the training, and more steps were always better.
        guard !fixed.contains(.steps), settings.steps >= 3, settings.tileSide == nil else { return [settings.steps] }
        return [settings.steps / 3, settings.steps * 2 / 3, settings.steps]
    }
}

extension AdaptationSettings {
    /// A tile is a small part of its image, so it takes more views and steps to see as much.
    fileprivate func lengthened() -> AdaptationSettings {
        var settings = self
        settings.augmentedViews = min(3 * augmentedViews, 64)
        settings.steps = 4 * steps
        return settings
    }

    /// With tiles, and what training on them takes, where ``TileRule`` wants them for these examples.
    ///
    /// - Parameter keepsSteps: Somebody chose their number.
    package func tiled(for examples: [Example], model: Configuration, keepsSteps: Bool) -> AdaptationSettings {
        guard let side = TileRule.side(for: examples.map(\.mask), model: model) else { return self }
        var settings = lengthened()
        settings.tileSide = side
        if keepsSteps { settings.steps = steps }
        return settings
    }
}
