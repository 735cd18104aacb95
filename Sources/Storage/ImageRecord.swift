/// An uploaded image to keep under the id that its pixels give it. What the client called the file is not kept.
package struct NewImage: Sendable {
    /// 1–100 characters of `a–z`, `0–9`, `_` and `-`.
    package var id: String
    /// Nil: nobody's.
    package var owner: String?
    package var content: FileContent
    /// Pixels.
    package var width: Int
    package var height: Int
    package var mediaType: String

    package init(
        id: String, owner: String? = nil, content: FileContent, width: Int, height: Int, mediaType: String
    ) {
        self.id = id
        self.owner = owner
        self.content = content
        self.width = width
        self.height = height
        self.mediaType = mediaType
    }

    package static func isWellFormed(id: String) -> Bool {
        (1...100).contains(id.utf8.count)
            && id.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

/// An uploaded image.
package struct ImageRecord: Sendable, Equatable {
    package let id: String
    package let file: StoredFile
    package let width: Int
    package let height: Int
    package let mediaType: String
    package let created: Timestamp
}
