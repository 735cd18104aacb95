package import HTTPTypes

/// How a request's body is delimited (RFC 9112 §6.3).
package enum BodyFraming: Sendable, Equatable {
    case none
    /// Content-Length; may be 0.
    case length(Int)
    case chunked

    /// Whether bytes follow the head.
    package var hasBody: Bool {
        switch self {
        case .none, .length(0): false
        case .length, .chunked: true
        }
    }
}

/// A request's head, checked, with what its connection-level fields ask for.
///
/// A class, as it passes through many hands: a copy of its two dozen strings at each costs more than all else that a short request does.
package final class RequestHead: Sendable {
    /// Method, authority, path with query, and fields. `path` is in origin form, or `*` for OPTIONS. Host has become the
    /// authority, and is not among the fields.
    package let request: HTTPRequest
    package let version: HTTPVersion
    package let framing: BodyFraming
    /// Whether the client lets the connection live on (RFC 9112 §9.3).
    package let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool

    /// Judges the fields that frame the message. Every rule here closes a way to make two servers see two different requests.
    init(method: HTTPRequest.Method, target: RequestTarget, version: HTTPVersion, fields: HTTPFields, limits: Limits)
        throws(RequestError)
    {
        var hosts = 0
        var host: String?
        var lengths = 0
        var length: Int?
        var codings: String?
        var keepsAlive = version == .http11
        var asksClose = false
        var expectsContinue = false
        var hostIndex: Int?
        for (index, field) in fields.enumerated() {
            switch field.name.canonicalName {
            case "host":
                hosts += 1
                hostIndex = index
                host = field.value
            case "content-length":
                lengths += 1
                length = try Self.contentLength(field.value)
            case "transfer-encoding":
                codings = codings.map { $0 + ", " + field.value } ?? field.value
            case "connection":
                for option in listElements(asciiLowercased(field.value)) {
                    if option == "close" { asksClose = true }
                    if option == "keep-alive" { keepsAlive = true }
                }
            case "expect" where version == .http11:  // RFC 9110 §10.1.1: ignored from a 1.0 client
                guard asciiLowercased(field.value) == "100-continue" else {
                    throw .unsupportedExpectation(field.value)
                }
                expectsContinue = true
            default: break
            }
        }
        guard hosts <= 1 else { throw .repeatedHost }
        if let host {
            guard RequestTarget.isAuthority(host) else { throw .malformedHost(host) }
        } else if version == .http11 {
            throw .missingHost
        }
        guard lengths <= 1 else { throw .repeatedContentLength }
        if let codings {
            guard length == nil else { throw .contentLengthWithTransferEncoding }
            guard version == .http11 else { throw .transferEncodingInHTTP10 }
            try Self.checkTransferEncoding(codings)
            framing = .chunked
        } else if let length {
            guard length <= limits.bodyBytes else { throw .bodyTooLarge(limit: limits.bodyBytes) }
            framing = .length(length)
        } else {
            framing = .none
        }
        var others = fields
        if let hostIndex { others.remove(at: hostIndex) }
        request = HTTPRequest(
            method: method, scheme: "http", authority: target.authority ?? host, path: target.path, headerFields: others
        )
        self.version = version
        self.keepsAlive = keepsAlive && !asksClose
        self.expectsContinue = expectsContinue && framing.hasBody
    }

    /// `1*DIGIT` and nothing else: no sign, no list, no white space (RFC 9110 §8.6). Too large for an integer is too large.
    private static func contentLength(_ text: String) throws(RequestError) -> Int {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit) else { throw .malformedContentLength(text) }
        return Int(text) ?? .max
    }

    private static func checkTransferEncoding(_ value: String) throws(RequestError) {
        let codings = listElements(asciiLowercased(value))
        if codings == ["chunked"] { return }
        // RFC 9112 §6.1: chunked is applied once, and last in a request; a coding we do not know gets 501.
        guard codings.last == "chunked", codings.filter({ $0 == "chunked" }).count == 1 else {
            throw .malformedTransferEncoding(value)
        }
        throw .unsupportedTransferEncoding(value)
    }
}

extension RequestHead: Equatable {
    package static func == (one: RequestHead, other: RequestHead) -> Bool {
        one === other
            || one.request == other.request && one.version == other.version && one.framing == other.framing
                && one.keepsAlive == other.keepsAlive && one.expectsContinue == other.expectsContinue
    }
}
