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

/// The card of an adapter as part of an answer; its names are those of the file's metadata.
enum AdapterCard {
    /// - Parameter isImported: It came as a file, and was not made here.
    static func json(_ card: Adapter.Card, isImported: Bool = false) -> JSON {
        var members: [JSON.Member] = [
            .init("imported", .bool(isImported)),
            .init("format_version", .integer(card.formatVersion)),
            .init("kind", .string(card.kind.rawValue)),
            .init("rank", .integer(card.rank)),
            .init("alpha", .decimal(card.alpha)),
            .init("last_blocks", .optional(card.lastBlocks)),
            .init("base_model", .string(card.baseModel)),
            .init("base_sha256", .string(card.baseSHA256)),
            .init("task", .string(card.task)),
            .init("labels", .array(card.labels.map { .string($0) })),
        ]
        if let values = card.labelValues { members.append(.init("label_values", .array(values.map { .integer($0) }))) }
        members += [
            .init("steps", .integer(card.steps)),
            .init("seed", .integer(Int(clamping: card.seed))),
            .init("support_count", .integer(card.supportCount)),
            .init("tile_side", .optional(card.tileSide)),
            .init(
                "likeness_share",
                !isImported && LikenessShare.isAdded(labelCount: card.labels.count, isTiled: card.tileSide != nil)
                    ? .decimal(LikenessShare.value) : .null),
            .init("members", .optional(card.members)),
            .init("final_loss", .rounded(Double(card.finalLoss), places: 5)),
            .init("continued", card.continued.map(json) ?? .null),
            .init("notes", card.notes.map(json) ?? .null),
        ]
        return .object(members)
    }

    static func json(_ continued: Adapter.Card.Continued) -> JSON {
        [
            "sha256": .string(continued.sha256), "steps": .integer(continued.steps),
            "support_count": .integer(continued.supportCount),
        ]
    }

    private static func json(_ notes: Adapter.Card.Notes) -> JSON {
        [
            "learning_rate": .decimal(notes.learningRate),
            "decoder_learning_rate": .decimal(notes.decoderLearningRate),
            "held_out_dice": .object(
                notes.heldOutDice.sorted { $0.key < $1.key }.map {
                    .init($0.key, .array($0.value.map { .rounded($0, places: 4) }))
                }),
            "support_sha256": .array(notes.supportSHA256.map { .string($0) }),
        ]
    }

    /// Whether the version's answers without a prompt were scored with the help of likeness to its support set: not of one from before that
    /// was added, of one label, in tiles, or from elsewhere, whose support set is not here.
    static func isHelped(_ stored: String) -> Bool { JSON.stored(stored)["likeness_share"]?.doubleValue != nil }

    /// Whether a stored card is of a file that came from elsewhere, whose support set is not ours.
    static func isImported(_ stored: String) -> Bool { JSON.stored(stored)["imported"] == .bool(true) }
}
