/// One error as the client sees it: `application/problem+json` (RFC 9457) with two members of ours, `field` and `hint`.
///
/// Inside the API it is the one error that handlers throw; typed errors of the layers below are translated into it in
/// `Problem+Translation.swift` and nowhere else.
package struct Problem: Error, Equatable, Sendable {
    package var kind: ProblemKind
    /// What is wrong with this request, with the values found.
    package var detail: String
    /// Where: a part of the form, a path such as `prompts.points[2].x`, a query item or a header. Nil when it is the whole.
    package var field: String?
    /// What to do about it.
    package var hint: String?
    /// Values a script can act on, beside the prose.
    package var extensions: [JSON.Member]
    /// `Allow` for 405, `Retry-After` for 503.
    package var headers: [Header]

    package struct Header: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    package init(
        _ kind: ProblemKind, _ detail: String, field: String? = nil, hint: String? = nil,
        extensions: [JSON.Member] = [], headers: [Header] = []
    ) {
        self.kind = kind
        self.detail = detail
        self.field = field
        self.hint = hint
        self.extensions = extensions
        self.headers = headers
    }

    package var status: Int { kind.status }

    /// The document, RFC 9457 §3.1 members first. `type` is relative to the server, which describes it at that address.
    package var json: JSON {
        var members: [JSON.Member] = [
            .init("type", .string("/problems/\(kind.rawValue)")),
            .init("title", .string(kind.title)),
            .init("status", .integer(status)),
            .init("detail", .string(detail)),
        ]
        if let field { members.append(.init("field", .string(field))) }
        if let hint { members.append(.init("hint", .string(hint))) }
        return .object(members + extensions)
    }
}

extension Problem {
    static func invalid(_ field: String, _ detail: String, hint: String) -> Problem {
        Problem(.invalidValue, detail, field: field, hint: hint)
    }

    static func missing(_ field: String, _ detail: String, hint: String) -> Problem {
        Problem(.missingField, detail, field: field, hint: hint)
    }

    static func unknown(_ field: String, name: String, known: [String]) -> Problem {
        let nearest = NearestName.suggestion(for: name, among: known)
        let shown = Quoted(name)
        guard !known.isEmpty else {
            return Problem(
                .unknownField, "\(shown) is not a field here", field: field, hint: "leave it out: none is known here")
        }
        let list = known.joined(separator: ", ")
        return Problem(
            .unknownField, "\(shown) is not a field here", field: field,
            hint: nearest.map { "did you mean \"\($0)\"? Known here: \(list)" } ?? "known here: \(list)",
            extensions: nearest.map { [.init("nearest", .string($0))] } ?? [])
    }

    static func notFound(_ what: String, _ identifier: String, field: String, hint: String) -> Problem {
        Problem(.notFound, "there is no \(what) \(Quoted(identifier))", field: field, hint: hint)
    }
}

extension JSON {
    /// As it stands in a message: texts in quotation marks, and cut.
    var brief: String {
        if case .string(let text) = self { return Quoted(text).description }
        let text = text()
        return text.unicodeScalars.count > Quoted.limit ? "\(text.unicodeScalars.prefix(Quoted.limit))…" : text
    }
}

/// Text of a client's, quoted and cut for a message, so that a megabyte sent is not a megabyte answered or logged.
struct Quoted: CustomStringConvertible {
    private let text: String
    static let limit = 80

    init(_ text: String) { self.text = text }

    var description: String {
        let head = text.unicodeScalars.prefix(Self.limit)
        return "\"\(String(head))\(head.endIndex == text.endIndex ? "" : "…")\""
    }
}
