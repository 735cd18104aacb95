package import HTTPTypes

/// Why a multipart/form-data body was refused.
package enum MultipartError: Error, Sendable, Equatable {
    /// The Content-Type names no boundary, or one that RFC 2046 §5.1.1 does not allow.
    case missingBoundary
    /// The body ended before the closing delimiter.
    case truncated
    case malformedDelimiter
    case malformedPartHead
    case partHeadTooLarge(limit: Int)
    case tooManyParts(limit: Int)
    /// Every part must be `Content-Disposition: form-data` with a name (RFC 7578 §4.2); counted from 1.
    case missingName(part: Int)

    package var status: HTTPResponse.Status {
        switch self {
        case .partHeadTooLarge, .tooManyParts: .contentTooLarge
        case .missingBoundary, .truncated, .malformedDelimiter, .malformedPartHead, .missingName: .badRequest
        }
    }

    package var explanation: String {
        switch self {
        case .missingBoundary: "The Content-Type multipart/form-data has no valid boundary."
        case .truncated: "The multipart body ends before its closing boundary."
        case .malformedDelimiter: "A boundary line of the multipart body holds other text."
        case .malformedPartHead: "A part's header is not 'Name: value'."
        case .partHeadTooLarge(let limit): "A part's header is larger than \(limit) bytes."
        case .tooManyParts(let limit): "The multipart body has more than \(limit) parts."
        case .missingName(let part):
            "Part \(part) of the multipart body has no 'Content-Disposition: form-data; name=...'."
        }
    }
}
