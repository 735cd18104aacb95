import Imaging
import SegmentAnything

/// What the prompts of a request are answered on: the image, or the part of it about a box (`Focus`).
struct PromptViews: Sendable {
    let prompts: [Prompt]
    /// Prompts on the same part of the image, which are decoded together; in the order in which each part first comes.
    let groups: [(embedding: ImageEmbedding, members: [Int])]
    /// All of the image, where that was embedded; else a part of it.
    let reference: ImageEmbedding

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
        reference = whole ?? embeddings[0]
    }
}
