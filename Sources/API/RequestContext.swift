import Basics
import HTTP
import HTTPTypes
package import Server

/// A request on its way to its handler: the message, what the path named, and strict readers of the rest.
package struct RequestContext: Sendable {
    package let request: Request
    let parameters: PathParameters
    /// Who asks.
    let identity: Identity
    /// What it may add to its owner's; nil: nothing that counts.
    var addition: QuotaLedger.Addition?

    /// The path's identifier `name` of the kind that `prefix` marks; 404 for anything that cannot be one.
    func identifier(_ name: String, prefix: String, what: String) throws(Problem) -> String {
        let text = parameters[name] ?? ""
        guard Identifier.isWellFormed(text, prefix: prefix) else {
            throw Problem.notFound(what, text, field: name, hint: "list them with GET /v1/\(what)s")
        }
        return text
    }

    /// The query, whose names must all be known and stand once.
    func query(known: [String] = []) throws(Problem) -> QueryReader {
        try QueryReader(request.queryText, known: known)
    }

    /// The best of `offers` for the Accept header; 406 when it takes none of them.
    func negotiate(_ offers: [MediaType]) throws(Problem) -> MediaType {
        let header = request.fields[.accept]
        guard let type = Accept.preferred(header, among: offers) else {
            let list = offers.map(\.essence).joined(separator: ", ")
            throw Problem(
                .notAcceptable, "the answer cannot be \(Quoted(header ?? ""))", field: "Accept",
                hint: "this resource comes as: \(list)",
                extensions: [.init("available", .array(offers.map { .string($0.essence) }))])
        }
        return type
    }

    /// The body's media type; nil without a Content-Type that can be read.
    var contentType: MediaType? { request.fields[.contentType].flatMap(MediaType.init) }

    /// 415, naming what is taken.
    func unsupportedMediaType(_ accepted: [MediaType], hint: String) -> Problem {
        if let type = contentType?.essence, accepted.contains(where: { $0.essence == type }) {
            return Problem(.malformedRequest, "the body is empty", field: "body", hint: hint)
        }
        let found = request.fields[.contentType].map { Quoted($0).description } ?? "none"
        return Problem(
            .unsupportedMediaType, "the content type is \(found)", field: "Content-Type", hint: hint,
            extensions: [.init("accepted", .array(accepted.map { .string($0.essence) }))])
    }
}

/// A query string read strictly, like everything else.
struct QueryReader {
    private let query: Query

    init(_ text: String, known: [String]) throws(Problem) {
        do {
            query = try Query(text)
        } catch {
            throw Problem(
                .malformedRequest, "the query \(Quoted(text)) has a malformed percent-encoding", field: "query",
                hint: "write % as %25")
        }
        var seen: Set<String> = []
        for name in query.names {
            guard known.contains(name) else {
                throw Problem.unknown("query.\(name.prefix(80))", name: name, known: known)
            }
            guard seen.insert(name).inserted, query.all(name).count == 1 else {
                throw Problem.invalid("query.\(name)", "\"\(name)\" stands twice in the query", hint: "send it once")
            }
        }
    }

    subscript(name: String) -> String? { query[name] }

    func bool(_ name: String) throws(Problem) -> Bool? {
        guard let text = query[name] else { return nil }
        guard ["true", "false"].contains(text) else {
            throw Problem.invalid("query.\(name)", "\(name) is \(Quoted(text))", hint: "give true or false")
        }
        return text == "true"
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = query[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Problem.invalid(
                "query.\(name)", "\(name) is \(Quoted(text))",
                hint: "give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }
}
