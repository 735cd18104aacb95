/// A media type with its parameters (RFC 9110 §8.3.1); `*` for ranges.
package struct MediaType: Sendable, Hashable, CustomStringConvertible {
    /// Lower case.
    package let type: String
    /// Lower case.
    package let subtype: String
    /// Names in lower case; values as they were, but for `charset`, whose case means nothing.
    package let parameters: [String: String]

    package init?(_ text: some StringProtocol) {
        var reader = ParameterReader(text)
        guard let essence = reader.token(alsoAllowed: UInt8(ascii: "/")) else { return nil }
        let halves = essence.lowercased().split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else { return nil }
        var parameters: [String: String] = [:]
        while true {
            guard let more = reader.nextParameter() else { return nil }
            guard let (name, value) = more else { break }
            if parameters[name] == nil { parameters[name] = name == "charset" ? value.lowercased() : value }
        }
        self.init(String(halves[0]), String(halves[1]), parameters)
    }

    package init(_ type: String, _ subtype: String, _ parameters: [String: String] = [:]) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    package var essence: String { "\(type)/\(subtype)" }

    package var description: String {
        parameters.sorted { $0.key < $1.key }.reduce(essence) { text, parameter in
            let isToken = !parameter.value.isEmpty && parameter.value.utf8.allSatisfy(\.isToken)
            return text + "; \(parameter.key)=" + (isToken ? parameter.value : Self.quoted(parameter.value))
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            if character == "\"" || character == "\\" { quoted.unicodeScalars.append("\\") }
            quoted.unicodeScalars.append(character)
        }
        return quoted + "\""
    }

    package static let json = MediaType("application", "json")
    package static let problemJSON = MediaType("application", "problem+json")
    package static let octetStream = MediaType("application", "octet-stream")
    package static let yaml = MediaType("application", "yaml")
    package static let multipartFormData = MediaType("multipart", "form-data")
    package static let png = MediaType("image", "png")
    package static let jpeg = MediaType("image", "jpeg")
    package static let csv = MediaType("text", "csv", ["charset": "utf-8"])
    package static let text = MediaType("text", "plain", ["charset": "utf-8"])
    package static let html = MediaType("text", "html", ["charset": "utf-8"])
    package static let eventStream = MediaType("text", "event-stream")
}
