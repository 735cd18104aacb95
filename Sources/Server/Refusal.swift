package import HTTP
package import HTTPTypes
package import Posix

/// Why the server itself answers, instead of the handler.
package enum Refusal: Error, Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        case head
        case body
    }

    package enum Scarcity: Sendable, Equatable {
        case connections
        /// Requests that wait for a handler.
        case requests
        /// Room on the disk that bodies on their way may need.
        case disk
        case memory
        /// Memory for answers, which clients leave waiting there.
        case answers

        /// For the Retry-After field.
        package var retryAfterSeconds: Int {
            switch self {
            case .connections, .requests: 1
            case .disk, .memory, .answers: 5
            }
        }
    }

    case malformed(RequestError)
    case multipart(MultipartError)
    /// The client sent nothing for too long.
    case timeout(Phase)
    /// Too many of something at once.
    case busy(Scarcity)
    /// The body could not be kept.
    case storage(SystemCallError)
    /// There is no room for the body, and it was not taken.
    case diskFull
    /// The handler let go of the request without an answer.
    case unanswered

    package var status: HTTPResponse.Status {
        switch self {
        case .malformed(let error): error.status
        case .multipart(let error): error.status
        case .timeout: .requestTimeout
        case .busy: .serviceUnavailable
        case .storage(let error):
            error.isOutOfSpace ? .init(code: 507, reasonPhrase: "Insufficient Storage") : .internalServerError
        case .diskFull: .init(code: 507, reasonPhrase: "Insufficient Storage")
        case .unanswered: .internalServerError
        }
    }

    /// One sentence about this case.
    package var detail: String {
        switch self {
        case .malformed(let error): error.explanation
        case .multipart(let error): error.explanation
        case .timeout(.head): "The request's head did not arrive in time."
        case .timeout(.body): "The request's body stopped arriving, or came too slowly."
        case .busy(.connections): "All connections are in use."
        case .busy(.requests): "Too many requests wait already."
        case .busy(.disk): "Uploads on their way may need all the space that is left."
        case .busy(.memory): "Memory is short."
        case .busy(.answers): "Answers that other clients have not taken yet fill the memory there is for them."
        case .diskFull: "There is no space left for this upload."
        // No path, no errno: they say nothing to the client, and it is not to know how the disk is laid out.
        case .storage(let error):
            error.isOutOfSpace ? "There is no space left for uploads." : "The upload could not be written to disk."
        case .unanswered: "The request was not answered."
        }
    }

    /// The part of the request at fault: a header field's name; nil where it is none.
    package var field: String? {
        switch self {
        case .malformed(.missingHost), .malformed(.repeatedHost), .malformed(.malformedHost): "Host"
        case .malformed(.malformedContentLength), .malformed(.repeatedContentLength),
            .malformed(.contentLengthWithTransferEncoding):
            "Content-Length"
        case .malformed(.unsupportedTransferEncoding), .malformed(.malformedTransferEncoding),
            .malformed(.transferEncodingInHTTP10):
            "Transfer-Encoding"
        case .malformed(.unsupportedExpectation): "Expect"
        case .multipart(.missingBoundary): "Content-Type"
        default: nil
        }
    }

    /// What the client can do.
    package var hint: String {
        switch self {
        case .malformed(.bodyTooLarge(let limit)): "Send at most \(limit) bytes in one request."
        case .malformed(.targetTooLong): "Send parameters in the body instead of the URL."
        case .malformed(.malformedTarget): "Percent-encode what is not ASCII: é is %C3%A9, a space %20."
        case .malformed(.headTooLarge), .malformed(.tooManyFields):
            "Send fewer or shorter header fields; a browser's are mostly cookies."
        case .malformed(.missingHost), .malformed(.repeatedHost), .malformed(.malformedHost):
            "Send one Host field: the server's name or address, perhaps with a port."
        case .malformed(.malformedContentLength): "Send the number of the body's bytes, in digits."
        case .malformed(.unsupportedExpectation): "Leave the Expect field out."
        case .malformed(.transferEncodingInHTTP10): "Use HTTP/1.1, or send a Content-Length."
        case .malformed(.unsupportedVersion): "Use HTTP/1.1."
        case .malformed(.unsupportedTransferEncoding), .malformed(.malformedTransferEncoding),
            .malformed(.contentLengthWithTransferEncoding), .malformed(.repeatedContentLength):
            "Send either one Content-Length or Transfer-Encoding: chunked."
        case .malformed: "Check the client, or use one that speaks HTTP/1.1, such as curl."
        case .multipart(.tooManyParts(let limit)):
            "Send at most \(limit) parts in one request; more examples can be added to a task later."
        case .multipart(.partHeadTooLarge): "Send shorter file names."
        case .multipart: "Send multipart/form-data as curl -F does."
        case .timeout: "Send the request without pauses; check the connection."
        case .busy(let scarcity): "Try again in \(scarcity.retryAfterSeconds) s."
        case .diskFull: "Ask the operator to free space."
        case .storage(let error):
            error.isOutOfSpace ? "Ask the operator to free space." : "Ask the operator to look at the server's log."
        case .unanswered: "Ask the operator to look at the server's log."
        }
    }
}
