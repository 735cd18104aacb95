import Basics
import Cryptography
package import Imaging

/// One folder of images with masks, as far as its files can be used.
package struct Dataset: Sendable, Equatable {
    /// An image and its mask, both read once and found sound.
    package struct Pair: Sendable, Equatable {
        package let stem: String
        package let imagePath: String
        package let maskPath: String
        /// Pixels of each label that occurs, without 0.
        package let areas: [UInt16: Int]
        /// SHA-256 of the bytes of both files.
        let digest: String
    }

    package let name: String
    /// In order of their stems.
    package let pairs: [Pair]
    /// Whether the labels number objects instead of naming what they are.
    package let hasInstances: Bool
    let notes: DatasetNotes

    /// Millimetres a pixel of one image, where that is known.
    package func spacing(of stem: String) -> Spacing? { notes.spacings[stem] }

    /// The labels that occur in any mask, ascending.
    var labels: [UInt16] { Set(pairs.flatMap(\.areas.keys)).sorted() }
}

extension Dataset {
    /// Of all usable files and of what is known of them: two runs with one digest have read the same.
    var digest: String { digest(hasInstances: hasInstances) }

    /// What the digest would be, were the labels said to number objects, or not to.
    func digest(hasInstances: Bool) -> String {
        var hash = SHA256()
        for pair in pairs {
            hash.update("\(pair.stem)\n\(pair.digest)\n".utf8)
            if let spacing = spacing(of: pair.stem) { hash.update("\(spacing.x) \(spacing.y)\n".utf8) }
        }
        hash.update("\(hasInstances)".utf8)
        return Hex.string(hash.finalize())
    }
}
