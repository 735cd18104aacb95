package import SegmentAnything

/// The recipe of one adaptation. `init()` is the measured default (`docs/adaptation.md` has the figures).
package struct AdaptationSettings: Codable, Sendable, Equatable {
    package var kind: AdapterKind
    /// Rank r of each update: `ΔW = (alpha / rank) · up · down`.
    package var rank: Int
    /// Numerator of the update's scale. Equal to the rank by default, so that the scale is 1.
    package var alpha: Float
    /// Adapt only the last k encoder blocks; the activations before them are computed once per view. Nil adapts all.
    package var lastBlocks: Int?
    /// Optimiser steps; each looks at `imagesPerStep` images with one prompt of every kind.
    package var steps: Int
    /// Peak learning rate of the low-rank factors.
    package var learningRate: Float
    /// Peak learning rate of the mask decoder's weights.
    package var decoderLearningRate: Float
    /// Decoupled weight decay (AdamW).
    package var weightDecay: Float
    package var imagesPerStep: Int
    /// Fixed augmented variants per image: flips, then flips with noise. Fixed, so that their encodings can be kept.
    package var augmentedViews: Int
    /// Ceiling on the bytes of encodings kept between steps. What does not fit is computed again, with equal results.
    package var cacheBytes: Int
    /// Of the tiles that images are cut into, in pixels of the original image; nil: they are seen whole.
    package var tileSide: Int?
    /// Seeds everything random: factors, order of images, views, prompts.
    package var seed: UInt64

    package init(
        kind: AdapterKind = .loraDecoder, rank: Int = 4, alpha: Float? = nil, lastBlocks: Int? = nil, steps: Int = 60,
        learningRate: Float = 1e-2, decoderLearningRate: Float = 1.5e-3, weightDecay: Float = 0, imagesPerStep: Int = 2,
        augmentedViews: Int = 8, cacheBytes: Int = 256 << 20, tileSide: Int? = nil, seed: UInt64 = 0
    ) {
        self.kind = kind
        self.rank = rank
        self.alpha = alpha ?? Float(rank)
        self.lastBlocks = lastBlocks
        self.steps = steps
        self.learningRate = learningRate
        self.decoderLearningRate = decoderLearningRate
        self.weightDecay = weightDecay
        self.imagesPerStep = imagesPerStep
        self.augmentedViews = augmentedViews
        self.cacheBytes = cacheBytes
        self.tileSide = tileSide
        self.seed = seed
    }

    package static let ranks = 1...64

    /// Checks every field against its range and the model's depth.
    ///
    /// - Throws: The first field that is out of range, by its name on the wire, with what is expected and what was found.
    package func validate(for configuration: Configuration) throws(SettingsError) {
        try Self.require(rank, in: Self.ranks, "adapter.rank")
        try Self.require(alpha, above: 0, upTo: 1_024, "adapter.alpha")
        if let lastBlocks {
            guard kind.trainsEncoder else {
                throw SettingsError(
                    field: "adapter.last_blocks",
                    expectation: "absent with kind \"decoder\", which adapts no encoder block", found: "\(lastBlocks)")
            }
            try Self.require(lastBlocks, in: 1...configuration.depth, "adapter.last_blocks")
        }
        try Self.require(steps, in: 1...10_000, "adaptation.steps")
        try Self.require(learningRate, above: 0, upTo: 1, "adaptation.learning_rate")
        try Self.require(decoderLearningRate, above: 0, upTo: 1, "adaptation.decoder_learning_rate")
        guard weightDecay.isFinite, (0...1).contains(weightDecay) else {
            throw SettingsError(
                field: "adaptation.weight_decay", expectation: "a number from 0 to 1", found: "\(weightDecay)")
        }
        try Self.require(imagesPerStep, in: 1...64, "adaptation.images_per_step")
        try Self.require(augmentedViews, in: 1...64, "adaptation.augmented_views")
        try Self.require(cacheBytes, in: 0...(1 << 40), "adaptation.cache_bytes")
        if let tileSide { try Self.require(tileSide, in: Tiling.sides, "adaptation.tiles") }
    }

    /// How images are cut, if at all.
    package var tiling: Tiling? { tileSide.map { Tiling(side: $0) } }

    private static func require(_ value: Int, in range: ClosedRange<Int>, _ field: String) throws(SettingsError) {
        guard range.contains(value) else {
            throw SettingsError(
                field: field, expectation: "a whole number from \(range.lowerBound) to \(range.upperBound)",
                found: "\(value)")
        }
    }

    private static func require(_ value: Float, above low: Float, upTo high: Float, _ field: String)
        throws(SettingsError)
    {
        // NaN fails both comparisons, so it ends here too.
        guard value > low, value <= high else {
            throw SettingsError(
                field: field, expectation: "a number above \(low) and at most \(high)", found: "\(value)")
        }
    }
}

/// A setting out of its range: which (by its name on the wire), what is allowed, and what was found.
package struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    package let field: String
    package let expectation: String
    package let found: String

    package init(field: String, expectation: String, found: String) {
        self.field = field
        self.expectation = expectation
        self.found = found
    }

    package var description: String { "\(field) must be \(expectation); found \(found)" }
}
