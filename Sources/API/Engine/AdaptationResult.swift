import Adaptation

/// What a finished job reports.
struct AdaptationResult {
    let settings: AdaptationSettings
    let exampleCount: Int
    /// One for each step.
    let losses: [Float]
    let before: [(kind: PromptKind, score: SupportScorer.Score)]
    let after: [(kind: PromptKind, score: SupportScorer.Score)]
    let duration: Duration

    /// Whether the adapter beats the base model even on what it was trained on, by mean Dice over the kinds of prompts. One
    /// that does not is kept, and not served.
    var isHelpful: Bool {
        after.reduce(0) { $0 + $1.score.dice } > before.reduce(0) { $0 + $1.score.dice }
    }

    var json: JSON {
        let (adapter, adaptation) = settings.json
        return [
            "served": .bool(isHelpful),
            "served_reason": isHelpful
                ? "the adapter beats the base model on the support set"
                : "the adapter does no better than the base model on its own support set, so the base goes on answering",
            "examples": .integer(exampleCount),
            "steps": .integer(losses.count),
            "final_loss": losses.last.map { .rounded(Double($0), places: 5) } ?? .null,
            "seconds": .rounded(duration.milliseconds / 1e3, places: 2),
            "adapter": adapter,
            "adaptation": adaptation,
            "support_scores": [
                "held_out": false,
                "note":
                    "measured on the support set itself, which the adapter was trained on: it will do worse on new images",
                "base": Self.json(before),
                "adapted": Self.json(after),
            ],
        ]
    }

    private static func json(_ scores: [(kind: PromptKind, score: SupportScorer.Score)]) -> JSON {
        .object(scores.map { .init($0.kind.rawValue, $0.score.json) })
    }
}

/// The card of an adapter as part of an answer; its names are those of the file's metadata.
enum AdapterCard {
    static func json(_ card: Adapter.Card) -> JSON {
        [
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
            "final_loss": .rounded(Double(card.finalLoss), places: 5),
        ]
    }
}
