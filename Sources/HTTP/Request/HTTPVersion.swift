/// A protocol version that this server speaks.
package enum HTTPVersion: Sendable, Equatable, CustomStringConvertible {
    case http10
    case http11

    package var description: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        }
    }

    /// Reads `HTTP-version` (RFC 9112 §2.3). A higher minor version is served as 1.1 (RFC 9110 §6.2).
    init(_ bytes: Span<UInt8>) throws(RequestError) {
        let prefix = "HTTP/".utf8
        guard bytes.count == 8, bytes[6] == UInt8(ascii: "."), bytes[5].isDigit, bytes[7].isDigit else {
            throw .malformedRequestLine
        }
        for (index, byte) in prefix.enumerated() where bytes[index] != byte { throw .malformedRequestLine }
        guard bytes[5] == UInt8(ascii: "1") else { throw .unsupportedVersion(bytes.text) }
        self = bytes[7] == UInt8(ascii: "0") ? .http10 : .http11
    }
}
