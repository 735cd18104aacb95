import Cryptography
import FoundationEssentials
package import Imaging
package import SegmentAnything

/// A whole adaptation: folds that measure it on images that it was not trained on, the choice of the recipe from them, the
/// gate, and the fit on all examples that is then served.
///
/// All runs share what the frozen part of the model makes of the views. What was found out is kept in a journal, so a killed
/// job goes on at the step after its last checkpoint, in whatever run that was.
package struct Fitting: Sendable {
    /// The version before: where the final fit starts from, and what a new one must not be worse than.
    package struct Previous: Sendable {
        package let adapter: Adapter
        /// Examples that it was trained on, the first ones of the support set.
        package let exampleCount: Int
        /// Further examples that taught it: of an adapter from elsewhere, those that its card names.
        package let seen: Set<Int>
        /// The kinds of prompts that it answers; the others are the base model's.
        package let served: Set<PromptKind>

        package init(
            adapter: Adapter, exampleCount: Int, seen: Set<Int> = [],
            served: Set<PromptKind> = Set(PromptKind.allCases)
        ) {
            self.adapter = adapter
            self.exampleCount = exampleCount
            self.seen = seen
            self.served = served
        }

        /// The examples of patients of whom it has seen none.
        package func unseen(of patients: [Int]) -> [Int] {
            let known = Set(patients.indices.filter { $0 < exampleCount || seen.contains($0) }.map { patients[$0] })
            return patients.indices.filter { !known.contains(patients[$0]) }
        }
    }

    let model: SegmentAnythingModel
    let support: SupportSet
    let patients: PatientGroups
    let spacing: Spacing?
    let recipe: Recipe
    let previous: Previous?
    let taskName: String
    let labels: AdapterLabels

    /// - Parameters:
    ///   - patients: Of the examples.
    ///   - spacing: Of the examples' pixels, where known.
    ///   - labels: Of the examples.
    /// - Throws: `SettingsError` or `AdaptationError`, before any work.
    package init(
        model: SegmentAnythingModel, examples: [Example], patients: PatientGroups, spacing: Spacing? = nil,
        recipe: Recipe, previous: Previous? = nil, taskName: String = "", labels: AdapterLabels = .unnamed
    ) throws {
        precondition(patients.groups.count == examples.count, "one patient per example")
        try recipe.validate()
        try recipe.settings.validate(for: model.configuration)
        self.model = model
        support = try SupportSet(examples, labelCount: labels.count)
        self.patients = patients
        self.spacing = spacing
        self.recipe = try recipe.telling(labels.count).resolved(for: examples.map(\.mask), model: model.configuration)
        self.previous = previous
        self.taskName = taskName
        self.labels = labels
    }

    var exampleCount: Int { support.examples.count }

    func examples(without held: [Int]) -> [Int] { (0..<exampleCount).filter { !held.contains($0) } }

    /// What a fitting tells, and asks.
    package struct Hooks {
        package var checkpoint: (FittingCheckpoint) throws -> Void
        package var isCancelled: () -> Bool
        /// Told after each step; false cancels.
        package var progress: (FittingProgress) -> Bool

        package init(
            checkpoint: @escaping (FittingCheckpoint) throws -> Void = { _ in },
            isCancelled: @escaping () -> Bool = { false },
            progress: @escaping (FittingProgress) -> Bool = { _ in true }
        ) {
            self.checkpoint = checkpoint
            self.isCancelled = isCancelled
            self.progress = progress
        }
    }

    /// Runs to the end.
    ///
    /// - Parameters:
    ///   - speed: Of this machine and model; a resumed fitting keeps the one that it began with.
    ///   - resuming: A checkpoint of the same fitting; one of another counts for nothing.
    /// - Throws: `AdaptationError`, or what `checkpoint` throws.
    package func run(speed: SpeedProbe, resuming: FittingCheckpoint? = nil, hooks: Hooks = Hooks()) throws -> Fitted {
        let subject = self.subject
        let isOurs = resuming?.journal.subject == subject
        let known = isOurs ? resuming : nil
        let log = FittingLog(
            journal: known?.journal ?? FittingJournal(subject: subject, speed: speed), open: known?.run,
            members: known?.members ?? [], hooks: hooks)
        return try FittingSession(self, log: log).run()
    }

    /// What running will likely take.
    package func estimate(_ speed: SpeedProbe) -> SpeedProbe.Estimate {
        speed.estimate(
            resolved: recipe, masks: support.examples.map(\.mask), patients: patients,
            configuration: model.configuration,
            trainedNumbers: model.trainedNumbers)
    }

    /// How images are scored; a journal that was scored otherwise is begun anew.
    private static let scoring = "10"

    /// What a checkpoint must have in common with this fitting.
    private var subject: String {
        var settings = recipe.settings
        settings.cacheBytes = 0
        let parts = [
            Self.scoring, model.sha256, support.digest, "\(patients.groups)", "\(String(describing: spacing))",
            CanonicalJSON.encode(settings), "\(recipe.fixed.map { "\($0)" }.sorted())", "\(recipe.budgetSeconds)",
            "\(recipe.margin)", "\(recipe.isEnsemble)",
            previous.map { "\($0.adapter.sha256) \($0.exampleCount) \($0.seen.sorted())" } ?? "",
        ]
        return SHA256.hex(Array(parts.joined(separator: "\n").utf8))
    }
}

/// How far a fitting is.
package struct FittingProgress: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// The unadapted model, or an earlier version, on the support set.
        case scoring
        /// A run without the images of fold `number` of `count`; `recipe` counts the recipes tried, from 1.
        case fold(number: Int, count: Int, recipe: Int)
        /// A run on half of the images, for the learning curve.
        case half(number: Int)
        /// The fit on all images.
        case final
        /// Of an ensemble, a fit on all images but one fold's.
        case member(number: Int, count: Int)
    }

    package let phase: Phase
    /// Of the present run.
    package let step: Int
    package let steps: Int
    package let loss: Float?
    /// Of the whole.
    package let fraction: Double
    package let remaining: Duration?
}

/// What a fitting gives.
package struct Fitted: Sendable {
    package let trained: TrainedAdapter
    /// As chosen; the run may have been stopped before `settings.steps`.
    package let settings: AdaptationSettings
    package let tried: [Tried]
    /// Nil: one image or one patient, so nothing could be held out.
    package let heldOut: HeldOut?
    /// All of it, before a resumption too.
    package let seconds: Double

    /// A recipe that was looked at.
    package struct Tried: Sendable, Equatable {
        package let settings: AdaptationSettings
        /// The steps after which it was best; nil when it was not run.
        package let steps: Int?
        /// Held-out Dice, the mean over the kinds of prompts, each answered by the better of adapter and base.
        package let dice: Double?
        package let isChosen: Bool
    }
}
