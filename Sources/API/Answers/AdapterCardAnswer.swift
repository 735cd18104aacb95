import Adaptation

/// The card of an adapter as part of an answer; its names are those of the file's metadata.
enum AdapterCardAnswer {
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
