package import HTTPTypes

/// How a response's body is delimited (RFC 9112 §6.3).
package enum ResponseFraming: Sendable, Equatable {
    /// No body by definition: 204 and 304. No framing fields are sent.
    case none
    case length(Int)
    case chunked
    /// Until the connection closes: a stream to an HTTP/1.0 client.
    case untilClose
}

/// Writes HTTP/1.1 responses as bytes. The date is passed in, as is everything else.
package enum ResponseEncoder {
    package static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    package static let lastChunk = Array("0\r\n\r\n".utf8)

    /// Appends status line and fields: what is the same whoever asks. `appendEnd` is to follow.
    ///
    /// The fields that frame the message and manage the connection are left out, so that a handler cannot break the protocol, and so is
    /// Date: the end brings them.
    package static func appendStart(to output: inout [UInt8], status: HTTPResponse.Status, fields: HTTPFields) {
        output.append(text: "HTTP/1.1 ")
        output.append(decimal: status.code)
        output.append(UInt8(ascii: " "))
        output.append(text: status.reasonPhrase.isEmpty ? reason(status.code) : status.reasonPhrase)
        output.append(text: "\r\n")
        for field in fields {
            switch field.name.canonicalName {
            case "content-length", "transfer-encoding", "connection", "keep-alive", "date": continue
            default: break
            }
            output.append(text: field.name.rawName)
            output.append(text: ": ")
            field.withUnsafeBytesOfValue { output.append(contentsOf: $0) }
            output.append(text: "\r\n")
        }
    }

    /// Appends the date, what frames the message and manages the connection, and the empty line.
    /// - Parameters:
    ///   - connection: The `Connection` option to send: `close`, `keep-alive`, or nil for none.
    ///   - date: IMF-fixdate text.
    package static func appendEnd(
        to output: inout [UInt8], framing: ResponseFraming, connection: String?, date: String
    ) {
        output.append(text: "Date: ")
        output.append(text: date)
        output.append(text: "\r\n")
        switch framing {
        case .none, .untilClose: break
        case .length(let count):
            output.append(text: "Content-Length: ")
            output.append(decimal: count)
            output.append(text: "\r\n")
        case .chunked: output.append(text: "Transfer-Encoding: chunked\r\n")
        }
        if let connection {
            output.append(text: "Connection: ")
            output.append(text: connection)
            output.append(text: "\r\n")
        }
        output.append(text: "\r\n")
    }

    /// Appends one chunk (RFC 9112 §7.1). Nothing for no bytes: an empty chunk would end the body.
    package static func appendChunk(_ bytes: [UInt8], to output: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        output.append(text: String(bytes.count, radix: 16))
        output.append(text: "\r\n")
        output.append(contentsOf: bytes)
        output.append(text: "\r\n")
    }

    // A phrase that came without one; `HTTPResponse.Status` itself keeps line ends out of those it is given.
    private static func reason(_ code: Int) -> String {
        switch code {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: ""
        }
    }
}

extension [UInt8] {
    mutating func append(text: String) { append(contentsOf: text.utf8) }

    /// Appends a number in decimal digits, without a string in between.
    mutating func append(decimal number: Int) {
        var rest = number.magnitude
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)  // 24 bytes: more than the 20 that any 64-bit number takes
        Swift.withUnsafeMutableBytes(of: &digits) { digits in
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if number < 0 { append(UInt8(ascii: "-")) }
            append(contentsOf: digits[start...])
        }
    }
}
