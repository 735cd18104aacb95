package import Adaptation
import SegmentAnything

/// The recipe on the wire: `adapter` says what is trained, `adaptation` how. What is left out, or null, is chosen by the job.
/// Ranges are the recipe's own business (`AdaptationSettings.validate`); here only kinds are checked.
extension Recipe {
    private static let adapterNames = ["kind", "rank", "alpha", "last_blocks"]
    private static let adaptationNames = [
        "steps", "learning_rate", "decoder_learning_rate", "weight_decay", "images_per_step", "augmented_views",
        "cache_bytes", "tiles", "seed", "budget_seconds", "gate_margin", "ensemble",
    ]
    private static let automatic = "auto"
    /// For `tiles`: the images are seen whole.
    fileprivate static let off = "off"

    package init(
        adapter: JSON?, adapterPath: String = "adapter", adaptation: JSON?, adaptationPath: String = "adaptation"
    ) throws(Problem) {
        self.init()
        if let adapter { try read(adapter: Fields(adapter, path: adapterPath, known: Self.adapterNames)) }
        if let adaptation {
            try read(adaptation: Fields(adaptation, path: adaptationPath, known: Self.adaptationNames))
        }
        // Whoever says how the encoder's updates are to be made wants them.
        if !fixed.contains(.kind), settings.lastBlocks != nil || fixed.contains(.learningRate) || isRankChosen {
            settings.kind = .loraDecoder
            fixed.insert(.kind)
        }
    }

    private var isRankChosen: Bool {
        settings.rank != AdaptationSettings().rank || settings.alpha != Float(settings.rank)
    }

    private mutating func read(adapter fields: Fields) throws(Problem) {
        if let text = try fields.choice("kind", of: [Self.automatic] + AdapterKind.allCases.map(\.rawValue)),
            let kind = AdapterKind(rawValue: text)
        {
            settings.kind = kind
            fixed.insert(.kind)
        }
        if let rank = try fields.integer("rank", in: 1...64) {
            settings.rank = rank
            // The scale alpha / rank stays 1, as it is by default, unless alpha is chosen too.
            settings.alpha = Float(rank)
        }
        if let alpha = try fields.number("alpha", in: 1e-3...1e3) { settings.alpha = Float(alpha) }
        if let lastBlocks = try fields.integer("last_blocks", in: 1...1_000) { settings.lastBlocks = lastBlocks }
    }

    private mutating func read(adaptation fields: Fields) throws(Problem) {
        if let steps = try fields.integer("steps", in: 1...10_000) {
            settings.steps = steps
            fixed.insert(.steps)
        }
        if let rate = try fields.number("learning_rate", in: 1e-8...1) {
            settings.learningRate = Float(rate)
            fixed.insert(.learningRate)
        }
        if let rate = try fields.number("decoder_learning_rate", in: 1e-8...1) {
            settings.decoderLearningRate = Float(rate)
            fixed.insert(.decoderLearningRate)
        }
        if let decay = try fields.number("weight_decay", in: 0...1) { settings.weightDecay = Float(decay) }
        if let images = try fields.integer("images_per_step", in: 1...64) { settings.imagesPerStep = images }
        if let views = try fields.integer("augmented_views", in: 1...64) {
            settings.augmentedViews = views
            fixed.insert(.augmentedViews)
        }
        if let bytes = try fields.integer("cache_bytes", in: 0...(1 << 40)) { settings.cacheBytes = bytes }
        if let tiles = fields.value("tiles"), tiles != .string(Self.automatic) {
            settings.tileSide = try Self.tileSide(tiles, fields)
            fixed.insert(.tiles)
        }
        if let seed = try fields.integer("seed", in: 0...Int.max) { settings.seed = UInt64(seed) }
        if let seconds = try fields.number("budget_seconds", in: 1...86_400) { budgetSeconds = seconds }
        if let margin = try fields.number("gate_margin", in: -1...1) { self.margin = margin }
        if let isEnsemble = try fields.bool("ensemble") { self.isEnsemble = isEnsemble }
    }

    private static func tileSide(_ value: JSON, _ fields: Fields) throws(Problem) -> Int? {
        if value == .string(off) { return nil }
        let sides = Tiling.sides
        guard value.integerValue != nil, let side = try fields.integer("tiles", in: sides) else {
            throw Problem.invalid(
                fields.path(of: "tiles"),
                "\(fields.path(of: "tiles")) must be \"auto\", \"off\" or a whole number, found \(value.brief)",
                hint: "give the side of a tile in pixels of the images, from \(sides.lowerBound) to \(sides.upperBound)"
            )
        }
        return side
    }

    /// What was asked for; null, or the kind `auto`, is what the job chooses.
    package var json: (adapter: JSON, adaptation: JSON) {
        let (adapter, adaptation) = settings.json
        func chosen(_ json: JSON, _ names: [(String, Choice)]) -> [JSON.Member] {
            (json.members ?? []).map { member in
                let choice = names.first { $0.0 == member.name }?.1
                guard let choice, !fixed.contains(choice) else { return member }
                return .init(member.name, choice == .kind ? .string(Self.automatic) : .null)
            }
        }
        return (
            .object(chosen(adapter, [("kind", .kind)])),
            .object(
                chosen(
                    adaptation,
                    [
                        ("steps", .steps), ("learning_rate", .learningRate),
                        ("decoder_learning_rate", .decoderLearningRate), ("augmented_views", .augmentedViews),
                        ("tiles", .tiles),
                    ]) + [
                        .init("budget_seconds", .number(budgetSeconds)), .init("gate_margin", .number(margin)),
                        .init("ensemble", .bool(isEnsemble)),
                    ])
        )
    }
}

extension AdaptationSettings {
    /// Every choice made, so that a task can say how it was made and be made again.
    package var json: (adapter: JSON, adaptation: JSON) {
        let adapter: JSON = [
            "kind": .string(kind.rawValue), "rank": .integer(rank), "alpha": .decimal(alpha),
            "last_blocks": .optional(lastBlocks),
        ]
        let adaptation: JSON = [
            "steps": .integer(steps), "learning_rate": .decimal(learningRate),
            "decoder_learning_rate": .decimal(decoderLearningRate), "weight_decay": .decimal(weightDecay),
            "images_per_step": .integer(imagesPerStep), "augmented_views": .integer(augmentedViews),
            "cache_bytes": .integer(cacheBytes), "tiles": tileSide.map { .integer($0) } ?? .string(Recipe.off),
            "seed": .integer(Int(clamping: seed)),
        ]
        return (adapter, adaptation)
    }
}

extension JSON {
    /// A 32-bit number in its own shortest digits: 0.001, not 0.0010000000474974513.
    package static func decimal(_ value: Float) -> JSON {
        .number(Double(value.description) ?? Double(value))
    }
}
