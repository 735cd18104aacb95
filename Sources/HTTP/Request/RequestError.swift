package import HTTPTypes

/// Why a request's bytes were refused. The connection cannot be used further: where the next request starts is unknown.
package enum RequestError: Error, Sendable, Equatable {
    case malformedRequestLine
    /// A line ended in LF alone, or held a CR alone: refused, as others may see another line end there (RFC 9112 §2.2).
    case bareLineEnd
    case targetTooLong(limit: Int)
    case malformedTarget(String)
    case unsupportedVersion(String)
    case unsupportedMethod(String)
    case headTooLarge(limit: Int)
    case tooManyFields(limit: Int)
    case malformedFieldLine
    /// A field continued on a second line, RFC 9112 §5.2.
    case foldedField
    case missingHost
    case repeatedHost
    case malformedHost(String)
    case malformedContentLength(String)
    case repeatedContentLength
    /// Both framings at once: the classic of request smuggling, RFC 9112 §6.3.
    case contentLengthWithTransferEncoding
    case unsupportedTransferEncoding(String)
    case malformedTransferEncoding(String)
    case transferEncodingInHTTP10
    case unsupportedExpectation(String)
    case malformedChunk
    case bodyTooLarge(limit: Int)

    package var status: HTTPResponse.Status {
        switch self {
        case .targetTooLong: .uriTooLong
        case .unsupportedVersion: .httpVersionNotSupported
        case .unsupportedMethod, .unsupportedTransferEncoding: .notImplemented
        case .headTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
        case .unsupportedExpectation: .expectationFailed
        case .bodyTooLarge: .contentTooLarge
        case .malformedRequestLine, .bareLineEnd, .malformedTarget, .malformedFieldLine, .foldedField, .missingHost,
            .repeatedHost, .malformedHost, .malformedContentLength, .repeatedContentLength,
            .contentLengthWithTransferEncoding, .malformedTransferEncoding, .transferEncodingInHTTP10, .malformedChunk:
            .badRequest
        }
    }

    /// One sentence for people.
    package var explanation: String {
        switch self {
        case .malformedRequestLine: "The request line is not 'METHOD target HTTP/1.1'."
        case .bareLineEnd: "A line of the request does not end in CR LF."
        case .targetTooLong(let limit): "The request target is longer than \(limit) bytes."
        case .malformedTarget(let found): "The request target '\(found)' is neither a path nor an http URL."
        case .unsupportedVersion(let found): "\(found) is not spoken here."
        case .unsupportedMethod(let found): "The method \(found) is not supported."
        case .headTooLarge(let limit): "The request's head is larger than \(limit) bytes."
        case .tooManyFields(let limit): "The request has more than \(limit) header fields."
        case .malformedFieldLine: "A header line is not 'Name: value'."
        case .foldedField: "A header field is continued on a second line."
        case .missingHost: "An HTTP/1.1 request needs a Host field."
        case .repeatedHost: "The request has more than one Host field."
        case .malformedHost(let found): "'\(found)' is not a host with an optional port."
        case .malformedContentLength(let found): "Content-Length '\(found)' is not a number of bytes."
        case .repeatedContentLength: "The request has more than one Content-Length."
        case .contentLengthWithTransferEncoding: "The request has both Content-Length and Transfer-Encoding."
        case .unsupportedTransferEncoding(let found): "Transfer-Encoding '\(found)' is not supported; only chunked is."
        case .malformedTransferEncoding(let found): "Transfer-Encoding '\(found)' is not chunked, once and last."
        case .transferEncodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding."
        case .unsupportedExpectation(let found): "The expectation '\(found)' cannot be met; only 100-continue can."
        case .malformedChunk: "The chunked coding of the body is broken."
        case .bodyTooLarge(let limit): "The body is larger than \(limit) bytes."
        }
    }
}
