package import HTTPTypes

/// What a part of a form says about itself.
package struct PartHead: Sendable, Equatable {
    package let name: String
    /// The client's word, for telling parts apart. Never a path to write to.
    package let filename: String?
    package let mediaType: MediaType?
    package let fields: HTTPFields

    package init(name: String, filename: String? = nil, mediaType: MediaType? = nil, fields: HTTPFields = [:]) {
        self.name = name
        self.filename = filename
        self.mediaType = mediaType
        self.fields = fields
    }

    init?(fields: HTTPFields) {
        let dispositions = fields[fields: .contentDisposition]
        guard dispositions.count == 1, let disposition = ContentDisposition(dispositions[0].value),
            disposition.kind == "form-data", let name = disposition.name
        else { return nil }
        self.init(
            name: name, filename: disposition.filename, mediaType: fields[.contentType].flatMap { MediaType($0) },
            fields: fields)
    }
}
