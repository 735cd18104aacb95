package import SegmentAnything

/// Learns a likeness from support images, and what each of them would look like to the others.
package struct LikenessProfiler {
    /// Of all images; nil where their masks show no token of the object, or nothing else. 0 lies where the maps below have the best mean
    /// Dice: log-odds count a token of a small object no more than one of its wide surroundings.
    package let likeness: Likeness?
    /// What the others teach of each image that figures are measured on, in order; of a single one its own.
    package let others: [Likeness?]
    /// Of each of these images, by that.
    package let maps: [SimilarityMap?]

    /// - Parameters:
    ///   - images: At least one, each with its mask as shares of tokens.
    ///   - limit: Images that figures are measured on at most; all of them teach.
    ///   - pause: Called before each image; throws to stop.
    package init(
        _ images: [(embedding: ImageEmbedding, tokens: MaskTarget)], limit: Int, pause: () throws -> Void
    ) throws {
        // Features are made twice rather than kept, as those of many images would take more memory than time.
        var measured: [FeatureMoments] = []
        var total: FeatureMoments?
        for (index, image) in images.enumerated() {
            try pause()
            let moments = FeatureMoments(TokenFeatures(image.embedding), target: image.tokens)
            if index < limit { measured.append(moments) }
            total = total.map { $0 + moments } ?? moments
        }
        guard let total, let whole = Self.prototypes(total) else {
            (likeness, others, maps) = (nil, measured.map { _ in nil }, measured.map { _ in nil })
            return
        }
        let taught = measured.map { images.count > 1 ? Self.prototypes(total - $0) : whole }
        let unmoved = try zip(images, taught).map { image, prototypes -> SimilarityMap? in
            try pause()
            return prototypes.map { Likeness($0).map(image.embedding) }
        }
        let shift = ThresholdSearch.best(
            zip(images, unmoved).compactMap { image, map in
                map.map {
                    ThresholdSearch.Map(values: $0.values, truth: image.tokens.truth, weight: image.tokens.weight)
                }
            })
        likeness = Likeness(whole.lowered(by: shift))
        others = taught.map { $0.map { Likeness($0.lowered(by: shift)) } }
        maps = unmoved.map { $0?.lowered(by: shift) }
    }

    /// Channels and places are of different units.
    private static func prototypes(_ moments: FeatureMoments) -> Prototypes? {
        Prototypes(moments, shrinkage: .towardsOwnVariances)
    }
}
