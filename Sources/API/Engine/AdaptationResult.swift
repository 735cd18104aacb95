import Adaptation

/// What a finished job reports.
struct AdaptationResult {
    let fitted: Fitted
    /// Of the support examples.
    let stems: [String]
    /// The version that was served before; nil: none.
    let previous: Int?
    /// Of the linter.
    let findings: [FindingAnswer]

    /// Whether the task answers with the adapter: where the folds say that it helps, or where nothing could be held out. One
    /// that is not served is kept all the same.
    var isServed: Bool { fitted.heldOut.map(HeldOutAnswer.isServed) ?? true }

    /// Nil: nothing was held out.
    var heldOut: JSON? { fitted.heldOut.map { HeldOutAnswer.json($0, stems: stems, previous: previous) } }

    var json: JSON {
        let (adapter, adaptation) = fitted.settings.json
        let losses = fitted.trained.losses
        return [
            "served": .bool(isServed),
            "served_reason": .string(
                fitted.heldOut.map { HeldOutAnswer.reason($0, previous: previous) } ?? HeldOutAnswer.unvalidated),
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
        [
            "imported": .bool(isImported),
            "format_version": .integer(card.formatVersion),
            "kind": .string(card.kind.rawValue),
            "rank": .integer(card.rank),
            "alpha": .decimal(card.alpha),
            "last_blocks": .optional(card.lastBlocks),
            "base_model": .string(card.baseModel),
            "base_sha256": .string(card.baseSHA256),
            "task": .string(card.task),
            "labels": .array(card.labels.map { .string($0) }),
            "steps": .integer(card.steps),
            "seed": .integer(Int(clamping: card.seed)),
            "support_count": .integer(card.supportCount),
            "tile_side": .optional(card.tileSide),
            "final_loss": .rounded(Double(card.finalLoss), places: 5),
            "notes": card.notes.map(json) ?? .null,
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

    /// Whether a stored card is of a file that came from elsewhere, whose support set is not ours.
    static func isImported(_ stored: String) -> Bool { JSON.stored(stored)["imported"] == .bool(true) }
}
