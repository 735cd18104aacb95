package import SegmentAnything

/// What a model's encoder and decoder make of a support set: enough to answer without a prompt, to notice an image unlike
/// the set, and to say when an answer is shakier than usual. It holds means of embeddings and figures, and no pixel.
package struct SupportProfile: Sendable, Equatable {
    /// How far images are from the set.
    package let distance: EmbeddingDistance
    /// What the object looks like to the encoder, wherever it lies: whether it is there is asked of tokens alone. Nil where the masks
    /// show no token of it, or nothing else.
    package let prototypes: Prototypes?
    /// What it looks like in its place to the base model's encoder, which is asked where it is; nil for the same reason, and for an
    /// adapter that is not helped by it (``LikenessShare``).
    package let likeness: Likeness?
    /// What it looks like pixel by pixel; nil where tokens and the decoder's cells will do.
    package let pixels: PixelPrototypes?
    package let presence: Presence?
    /// Of several labels one that no example tells from the others: a model without an adapter cannot know it.
    package let isUnknown: Bool
    /// What is too small to be its object; nil where no mask shows one.
    package let debris: Debris?
    /// The best of all ways to do without a prompt, on images that its prototypes were not made from; of an adapter its own, helped by
    /// likeness where that is known.
    package let route: PromptlessRoute
    /// Mean Dice of each way, measured so; empty for a single example.
    package let routeDice: [PromptlessRoute: Double]
    /// By kind of prompt.
    package let review: [PromptKind: ReviewThreshold]

    package init(
        distance: EmbeddingDistance, prototypes: Prototypes?, likeness: Likeness?, pixels: PixelPrototypes? = nil,
        presence: Presence?, isUnknown: Bool = false, debris: Debris? = nil, route: PromptlessRoute,
        routeDice: [PromptlessRoute: Double], review: [PromptKind: ReviewThreshold]
    ) {
        self.distance = distance
        self.prototypes = prototypes
        self.likeness = likeness
        self.pixels = pixels
        self.presence = presence
        self.isUnknown = isUnknown
        self.debris = debris
        self.route = route
        self.routeDice = routeDice
        self.review = review
    }

    /// Whether the object is in the image; nil when the set cannot tell.
    ///
    /// - Parameter mirrored: Of the mirror image, where both are to count alike.
    package func presence(
        _ embedding: ImageEmbedding, mirrored: ImageEmbedding? = nil
    ) -> (score: Double, isThere: Bool)? {
        guard !isUnknown, !distance.isBlank(embedding) else { return (0, false) }
        guard let presence, let prototypes else { return nil }
        let scores = [embedding, mirrored].compactMap(\.self).map {
            presence.score(SimilarityMap(prototypes.similarity($0), $0))
        }
        let score = scores.reduce(0, +) / Double(scores.count)
        return (score, presence.isFound(score: score))
    }

    /// The same of an adapter that leaves the encoder alone: it knows no way but its own.
    ///
    /// - Parameter isHelped: Whether likeness helps it (``LikenessShare``).
    func ofAdapter(isHelped: Bool) -> SupportProfile {
        SupportProfile(
            distance: distance, prototypes: prototypes, likeness: isHelped ? likeness : nil, presence: presence,
            debris: debris, route: isHelped && likeness != nil ? .blend : .model, routeDice: [:], review: [:])
    }

    /// The same with another likeness and other pixels: what it would know without an image that it is to be measured on.
    func knowing(_ likeness: Likeness?, _ pixels: PixelPrototypes?) -> SupportProfile {
        SupportProfile(
            distance: distance, prototypes: prototypes, likeness: likeness, pixels: pixels, presence: presence,
            isUnknown: isUnknown, debris: debris, route: route, routeDice: routeDice, review: review)
    }

    /// Examples that each figure is measured on at most; beyond, the figures no longer gain and the work would grow.
    static let measuredLimit = 16
    /// Labels share that, but not below this.
    static let leastMeasured = 4
}
