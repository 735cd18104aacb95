package import SegmentAnything

/// What tells a support set's object from its surroundings in an image embedding, tokens seen in their place: prototypes of
/// ``TokenFeatures``.
package struct Likeness: Sendable, Equatable {
    /// Of features of tokens.
    package let prototypes: Prototypes

    package init(_ prototypes: Prototypes) { self.prototypes = prototypes }

    /// - Parameters:
    ///   - embedding: Of all of an image.
    ///   - isMirrored: Whether that is the mirror image of the one that is asked about.
    package func map(_ embedding: ImageEmbedding, isMirrored: Bool = false) -> SimilarityMap {
        SimilarityMap(prototypes.similarity(TokenFeatures(embedding, isMirrored: isMirrored)), embedding)
    }
}
