import Adaptation
import Cryptography
import SegmentAnything

/// What is known of a task's support set, label by label.
struct TaskProfile: Sendable {
    /// One for each label, in their order; at least one.
    private let labels: [SupportProfile]

    init(_ labels: [SupportProfile]) {
        precondition(!labels.isEmpty, "a profile for at least one label")
        self.labels = labels
    }

    subscript(label: Int) -> SupportProfile { labels[label] }

    var likenesses: [Likeness?] { labels.map(\.likeness) }

    /// How far images are from the set: one for all labels.
    var distance: EmbeddingDistance { labels[0].distance }

    var byteCount: Int { labels.reduce(0) { $0 + $1.byteCount } }

    /// The fewest pixels that a region of a mask without a prompt has, unless it is the only one; nil where none is dropped.
    ///
    /// - Parameter image: Its size.
    func leastRegion(_ label: Int, image: OpenedImage) -> Int? {
        let least = labels[label].debris?.leastArea(width: image.width, height: image.height)
        return least.flatMap { $0 > 1 ? $0 : nil }
    }

    /// SHA-256 of all that an answer without a prompt depends on, for its receipt.
    ///
    /// - Parameter asked: The labels that were answered.
    func sha256(_ asked: [Int]) -> String {
        let hashes = asked.map { labels[$0].sha256 }
        return hashes.count == 1 ? hashes[0] : SHA256.hex(Array(hashes.joined(separator: " ").utf8))
    }
}
