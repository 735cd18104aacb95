package import Adaptation

/// The recipe on the wire: `adapter` says what is trained, `adaptation` how. Ranges are the recipe's own business
/// (`AdaptationSettings.validate`); here only kinds are checked.
extension AdaptationSettings {
    private static let adapterNames = ["kind", "rank", "alpha", "last_blocks"]
    private static let adaptationNames = [
        "steps", "learning_rate", "decoder_learning_rate", "weight_decay", "images_per_step", "augmented_views",
        "cache_bytes", "seed",
    ]

    package init(
        adapter: JSON?, adapterPath: String = "adapter", adaptation: JSON?, adaptationPath: String = "adaptation"
    ) throws(Problem) {
        self.init()
        if let adapter {
            let fields = try Fields(adapter, path: adapterPath, known: Self.adapterNames)
            if let text = try fields.choice("kind", of: AdapterKind.allCases.map(\.rawValue)),
                let kind = AdapterKind(rawValue: text)
            {
                self.kind = kind
            }
            if let rank = try fields.integer("rank", in: 1...64) {
                self.rank = rank
                // The scale alpha / rank stays 1, as it is by default, unless alpha is chosen too.
                alpha = Float(rank)
            }
            if let alpha = try fields.number("alpha", in: 1e-3...1e3) { self.alpha = Float(alpha) }
            if let lastBlocks = try fields.integer("last_blocks", in: 1...1_000) { self.lastBlocks = lastBlocks }
        }
        if let adaptation {
            let fields = try Fields(adaptation, path: adaptationPath, known: Self.adaptationNames)
            if let steps = try fields.integer("steps", in: 1...10_000) { self.steps = steps }
            if let rate = try fields.number("learning_rate", in: 1e-8...1) { learningRate = Float(rate) }
            if let rate = try fields.number("decoder_learning_rate", in: 1e-8...1) { decoderLearningRate = Float(rate) }
            if let decay = try fields.number("weight_decay", in: 0...1) { weightDecay = Float(decay) }
            if let images = try fields.integer("images_per_step", in: 1...64) { imagesPerStep = images }
            if let views = try fields.integer("augmented_views", in: 1...64) { augmentedViews = views }
            if let bytes = try fields.integer("cache_bytes", in: 0...(1 << 40)) { cacheBytes = bytes }
            if let seed = try fields.integer("seed", in: 0...Int.max) { self.seed = UInt64(seed) }
        }
    }

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
            "cache_bytes": .integer(cacheBytes), "seed": .integer(Int(clamping: seed)),
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
