import Imaging
import SegmentAnything

/// What the prompts of a request are answered on: the image, the part of it about a box (`Focus`), or its tiles.
struct PromptViews: Sendable {
    let prompts: [Prompt]
    /// Prompts on the same part of the image, which are decoded together unless they are answered already; in the order in which each part
    /// first comes. Empty with tiles.
    let groups: [(embedding: ImageEmbedding, members: [Int])]
    /// The answers, where finding out what to ask has given them already: to each prompt one on its part of the image, and the one that
    /// counts. Empty elsewhere.
    private(set) var answers: [(seen: MaskPrediction, final: MaskPrediction)] = []
    /// Every tile that one of the prompts concerns; empty without tiles.
    let tiles: [PixelBox: ImageEmbedding]
    /// All of the image, where that was embedded; else a part of it.
    let reference: ImageEmbedding
    /// All of the image as the base model's encoder sees it, where likeness helps an adapter that trained the encoder.
    private(set) var base: ImageEmbedding?
    /// The answer of the image's pixels, where they answer in place of the model.
    private(set) var byPixels: MaskPrediction?
    /// The same of the image's mirror image, where it is asked too: none or one.
    private(set) var mirrored: [PromptViews] = []

    func with(mirrored views: PromptViews) -> PromptViews {
        var both = self
        both.mirrored = [views]
        return both
    }

    func with(answers: [(seen: MaskPrediction, final: MaskPrediction)]) -> PromptViews {
        precondition(answers.isEmpty || answers.count == prompts.count, "an answer to each prompt")
        var answered = self
        answered.answers = answers
        return answered
    }

    func with(base: ImageEmbedding?, byPixels answer: MaskPrediction?) -> PromptViews {
        var all = self
        (all.base, all.byPixels) = (base, answer)
        return all
    }

    /// - Parameter embeddings: Of the part that each prompt is answered on; as many as prompts, at least one.
    init(_ prompts: [Prompt], _ embeddings: [ImageEmbedding], whole: ImageEmbedding?) {
        precondition(embeddings.count == prompts.count && !prompts.isEmpty, "an embedding for each prompt")
        var groups: [(embedding: ImageEmbedding, members: [Int])] = []
        for (index, embedding) in embeddings.enumerated() {
            if let known = groups.firstIndex(where: { $0.embedding.geometry.window == embedding.geometry.window }) {
                groups[known].members.append(index)
            } else {
                groups.append((embedding, [index]))
            }
        }
        self.prompts = prompts
        self.groups = groups
        tiles = [:]
        reference = whole ?? embeddings[0]
    }

    /// - Parameters:
    ///   - tiles: As the prompts want them.
    ///   - reference: Of all of the image, where that was embedded; else a tile.
    init(_ prompts: [Prompt], tiles: [PixelBox: ImageEmbedding], reference: ImageEmbedding) {
        self.prompts = prompts
        self.tiles = tiles
        self.reference = reference
        groups = []
    }
}
