/// Something that an evaluation left out, and why; every one is in the report, and changes the exit status.
package struct Omission: Codable, Sendable, Equatable {
    package let dataset: String
    /// A file relative to the dataset's folder, or what else was left out.
    package let what: String
    package let reason: String

    package init(dataset: String, what: String, reason: String) {
        self.dataset = dataset
        self.what = what
        self.reason = reason
    }
}
