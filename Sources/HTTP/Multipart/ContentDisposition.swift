/// A Content-Disposition value as it is read: in form parts (RFC 7578 §4.2). `Attachment` writes those of downloads.
package struct ContentDisposition: Sendable, Equatable {
    /// Lower case: `form-data`, `attachment`, ...
    package let kind: String
    package let name: String?
    package let filename: String?

    package init?(_ text: String) {
        var reader = ParameterReader(text)
        guard let kind = reader.token() else { return nil }
        self.kind = kind.lowercased()
        var (name, filename, extended): (String?, String?, String?)
        while true {
            guard let more = reader.nextParameter() else { return nil }
            guard let (key, value) = more else { break }
            switch key {
            case "name": name = name ?? value
            case "filename": filename = filename ?? value
            case "filename*": extended = extended ?? Self.extendedValue(value)
            default: break
            }
        }
        self.name = name
        self.filename = extended ?? filename  // RFC 6266 §4.3: the extended form wins
    }

    /// `UTF-8''percent-encoded` (RFC 8187 §3.2.1); nil for another charset or broken coding, which are then ignored.
    private static func extendedValue(_ value: String) -> String? {
        let fields = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].lowercased() == "utf-8" else { return nil }
        return try? PercentCoding.decode(fields[2])
    }
}
