/// One JSON object of a request, read strictly: every member must be known, and every value of the kind and range asked
/// for. Each complaint names its path, such as `prompts.points[2].x`.
package struct Fields: Sendable {
    /// Where the object stands in the request; empty for the text as a whole.
    package let path: String
    private let values: [String: JSON]

    /// `json` must be an object whose members are all among `known`.
    package init(_ json: JSON, path: String, known: [String]) throws(Problem) {
        guard case .object(let members) = json else {
            throw Problem.invalid(
                path.isEmpty ? "body" : path, "expected an object, found \(json.kindName)",
                hint: "send {…} with any of: \(known.joined(separator: ", "))")
        }
        self.path = path
        var values: [String: JSON] = [:]
        for member in members {
            guard known.contains(member.name) else {
                throw Problem.unknown(Self.join(path, String(member.name.prefix(80))), name: member.name, known: known)
            }
            values[member.name] = member.value
        }
        self.values = values
    }

    private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The full path of the member `name`.
    package func path(of name: String) -> String { Self.join(path, name) }

    /// The member as it was sent; nil when absent or null, which mean the same here.
    package func value(_ name: String) -> JSON? {
        guard let value = values[name], value != .null else { return nil }
        return value
    }

    package func number(_ name: String, in range: ClosedRange<Double>? = nil) throws(Problem) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.doubleValue, number.isFinite else { throw wrongKind(name, "a number", value) }
        if let range, !range.contains(number) {
            throw Problem.invalid(
                path(of: name), "\(path(of: name)) is \(number)",
                hint: "give a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    package func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = value(name) else { return nil }
        guard let integer = value.integerValue else { throw wrongKind(name, "a whole number", value) }
        guard range.contains(integer) else {
            throw Problem.invalid(
                path(of: name), "\(path(of: name)) is \(integer)",
                hint: "give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    package func bool(_ name: String) throws(Problem) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let bool = value.boolValue else { throw wrongKind(name, "true or false", value) }
        return bool
    }

    /// Text of at most `maximumLength` characters, which are Unicode scalars as in OpenAPI: of combining ones a letter may have millions.
    package func string(_ name: String, maximumLength: Int) throws(Problem) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.stringValue else { throw wrongKind(name, "text", value) }
        let length = text.unicodeScalars.count
        guard length <= maximumLength else {
            throw Problem.invalid(
                path(of: name), "\(path(of: name)) has \(length) characters",
                hint: "give at most \(maximumLength) characters")
        }
        // The database would end the text there.
        guard !text.unicodeScalars.contains("\0") else {
            throw Problem.invalid(
                path(of: name), "\(path(of: name)) holds the character U+0000", hint: "leave it out")
        }
        return text
    }

    /// One of `choices`.
    package func choice(_ name: String, of choices: [String]) throws(Problem) -> String? {
        guard let text = try string(name, maximumLength: 80) else { return nil }
        guard choices.contains(text) else {
            let nearest = NearestName.suggestion(for: text, among: choices).map { "did you mean \"\($0)\"? " } ?? ""
            throw Problem.invalid(
                path(of: name), "\(path(of: name)) is \(Quoted(text))",
                hint: "\(nearest)Give one of: \(choices.joined(separator: ", "))")
        }
        return text
    }

    /// The elements of an array of at most `maximumCount`.
    package func array(_ name: String, maximumCount: Int) throws(Problem) -> [JSON]? {
        guard let value = value(name) else { return nil }
        guard let elements = value.elements else { throw wrongKind(name, "an array", value) }
        guard elements.count <= maximumCount else {
            throw Problem(
                .tooLarge, "\(path(of: name)) has \(elements.count) elements", field: path(of: name),
                hint: "give at most \(maximumCount)")
        }
        return elements
    }

    /// The value of a field that must be there.
    package func require<Value>(_ name: String, _ value: Value?, hint: String) throws(Problem) -> Value {
        guard let value else {
            throw Problem.missing(path(of: name), "\(path(of: name)) is missing", hint: hint)
        }
        return value
    }

    private func wrongKind(_ name: String, _ expected: String, _ found: JSON) -> Problem {
        var shown = found.kindName
        if case .number(let number) = found { shown = "\(number)" }
        if case .string(let text) = found { shown = "the text \(Quoted(text))" }
        return Problem.invalid(
            path(of: name), "\(path(of: name)) must be \(expected), found \(shown)", hint: "send \(expected)")
    }
}

extension JSON {
    /// The value that `bytes` of the part or body `field` spell, with complaints that say where it broke.
    package static func parse(
        _ bytes: [UInt8], field: String, limits: JSONParser.Limits = .init()
    ) throws(Problem) -> JSON {
        do {
            return try JSONParser.parse(bytes, limits: limits)
        } catch {
            throw Problem(error, field: field)
        }
    }
}

extension Problem {
    init(_ error: JSONError, field: String) {
        let place = "line \(error.line), column \(error.column)"
        switch error.reason {
        case .unexpectedEnd:
            self.init(
                .malformedJSON, "the text ends too early at \(place)", field: field, hint: "close every {, [ and \"")
        case .unexpectedCharacter:
            self.init(
                .malformedJSON, "unexpected character at \(place)", field: field,
                hint: "names and texts need double quotes; NaN, comments and trailing commas are not JSON")
        case .invalidNumber:
            self.init(
                .malformedJSON, "malformed number at \(place)", field: field, hint: "write numbers as 12, -0.5 or 1e3")
        case .numberOutOfRange:
            self.init(
                .malformedJSON, "number out of range at \(place)", field: field, hint: "no field takes such a number")
        case .invalidString:
            self.init(
                .malformedJSON, "control character in a text at \(place)", field: field,
                hint: "write it as \\n, \\t or \\u00XX")
        case .invalidEscape:
            self.init(
                .malformedJSON, "malformed escape at \(place)", field: field,
                hint: "escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX, surrogates in pairs")
        case .invalidUTF8:
            self.init(.malformedJSON, "text before \(place) is not UTF-8", field: field, hint: "send UTF-8")
        case .duplicateName(let name):
            self.init(
                .malformedJSON, "the name \(Quoted(name)) stands twice in one object, at \(place)", field: field,
                hint: "keep one of them")
        case .tooDeep(let limit):
            self.init(
                .malformedJSON, "nested deeper than \(limit) levels at \(place)", field: field,
                hint: "nothing here needs that")
        case .tooLarge(let limit):
            self.init(
                .tooLarge, "the JSON is over \(limit) bytes", field: field,
                hint: "send images as multipart parts, not as base64")
        case .tooManyValues(let limit):
            self.init(
                .tooLarge, "the JSON has more than \(limit) values", field: field,
                hint: "send a mask as a PNG in base64, not as run lengths")
        case .trailingText:
            self.init(.malformedJSON, "text after the value at \(place)", field: field, hint: "send one JSON value")
        }
    }
}
