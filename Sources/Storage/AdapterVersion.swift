/// A finished adapter to publish.
package struct NewAdapter: Sendable {
    package var file: FileContent
    /// Of the file's bytes.
    package var sha256: String
    package var cardJSON: String
    /// How it does on images that it was not trained on; nil: nobody knows.
    package var heldOutJSON: String?
    package var serving: Serving

    /// Whether the task answers with a new adapter.
    package enum Serving: Sendable, Equatable {
        /// It is kept for inspection only.
        case never
        /// If the task still serves this version (nil: none), with which it was compared. What somebody chose meanwhile stays.
        case after(Int?)
    }

    package init(
        file: FileContent, sha256: String, cardJSON: String, heldOutJSON: String? = nil, serving: Serving = .after(nil)
    ) {
        self.file = file
        self.sha256 = sha256
        self.cardJSON = cardJSON
        self.heldOutJSON = heldOutJSON
        self.serving = serving
    }
}

/// A published adapter; its file is complete and never changes.
package struct AdapterVersion: Sendable, Equatable {
    package let task: String
    /// From 1; a number is never given twice in a task.
    package let version: Int
    package let file: StoredFile
    package let sha256: String
    package let cardJSON: String
    package let heldOutJSON: String?
    package let created: Timestamp
}
