import Adaptation

/// What a finished job reports.
struct AdaptationResult {
    let fitted: Fitted
    /// Of the support examples.
    let stems: [String]
    /// Of the task.
    let labels: TaskLabels
    /// The version that was served before; nil: none.
    let previous: Int?
    /// Whether somebody measured that one, here or where it was imported from: then it goes before one that nobody could measure.
    let isPreviousMeasured: Bool
    /// Of the linter.
    let findings: [FindingAnswer]

    /// Whether the task answers with the adapter: where the folds say that it helps, or where nothing could be held out and nothing
    /// better is known. One that is not served is kept all the same.
    var isServed: Bool { fitted.heldOut.map(HeldOutAnswer.isServed) ?? !isPreviousMeasured }

    /// Nil: nothing was held out.
    var heldOut: JSON? {
        fitted.heldOut.map { HeldOutAnswer.json($0, stems: stems, labels: labels, previous: previous) }
    }

    /// - Parameter isOvertaken: Somebody has chosen another version to answer while the job ran. Theirs stays: it was not compared with this one.
    func json(isOvertaken: Bool = false) -> JSON {
        let (adapter, adaptation) = fitted.settings.json
        let losses = fitted.trained.losses
        return [
            "served": .bool(isServed && !isOvertaken),
            "served_reason": .string(isOvertaken ? Self.overtaken : servedReason),
            "examples": .integer(stems.count),
            "steps": .integer(losses.count),
            "final_loss": losses.last.map { .rounded(Double($0), places: 5) } ?? .null,
            "seconds": .rounded(fitted.seconds, places: 2),
            "adapter": adapter,
            "adaptation": adaptation,
            "recipes": .array(fitted.tried.map(Self.json)),
            "findings": .array(findings.map(\.json)),
            "held_out": heldOut ?? .null,
            "held_out_reason": fitted.heldOut == nil ? .string(HeldOutAnswer.unvalidated) : .null,
        ]
    }

    private static let overtaken =
        "another version was chosen to answer while the job ran, so that stays; PUT served_version serves this one"

    private var servedReason: String {
        fitted.heldOut.map { HeldOutAnswer.reason($0, labels: labels, previous: previous) }
            ?? (isServed
                ? HeldOutAnswer.unvalidated
                : HeldOutAnswer.unvalidated
                    + "; so version \(previous.map(String.init) ?? "before"), which was measured, goes on "
                    + "answering; PUT served_version serves this one")
    }

    private static func json(_ tried: Fitted.Tried) -> JSON {
        [
            "kind": .string(tried.settings.kind.rawValue),
            "learning_rate": tried.settings.kind.trainsEncoder ? .decimal(tried.settings.learningRate) : .null,
            "decoder_learning_rate": tried.settings.kind.trainsDecoder
                ? .decimal(tried.settings.decoderLearningRate) : .null,
            "steps": .optional(tried.steps),
            "dice": tried.dice.map { .rounded($0, places: 4) } ?? .null,
            "chosen": .bool(tried.isChosen),
            "note": tried.steps == nil ? "not tried: adaptation.budget_seconds did not allow it" : .null,
        ]
    }
}
