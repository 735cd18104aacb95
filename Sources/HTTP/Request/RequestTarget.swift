import HTTPTypes

/// The four forms of a request target (RFC 9112 §3.2), brought to one: a path with query, and an authority where one was sent.
struct RequestTarget: Equatable {
    let authority: String?
    let path: String

    init(_ bytes: Span<UInt8>, method: HTTPRequest.Method) throws(RequestError) {
        guard !bytes.isEmpty, bytes.allSatisfy(\.isTarget) else { throw .malformedTarget(Self.excerpt(bytes)) }
        guard method != .connect else { throw .unsupportedMethod("CONNECT") }
        if bytes[0] == UInt8(ascii: "/") {
            (authority, path) = (nil, bytes.text)
        } else if bytes.count == 1, bytes[0] == UInt8(ascii: "*"), method == .options {
            (authority, path) = (nil, "*")
        } else {
            (authority, path) = try Self.absolute(bytes)
        }
    }

    /// `http://authority/path?query`.
    private static func absolute(_ bytes: Span<UInt8>) throws(RequestError) -> (String, String) {
        let text = bytes.text
        let lowered = text.prefix(8).lowercased()
        let start = lowered.hasPrefix("http://") ? 7 : lowered.hasPrefix("https://") ? 8 : 0
        guard start > 0 else { throw .malformedTarget(excerpt(bytes)) }
        let rest = text.dropFirst(start)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = String(rest[..<end])
        guard !authority.isEmpty, isAuthority(authority) else { throw .malformedHost(authority) }
        let path = rest[end...]
        return (authority, path.first == "/" ? String(path) : "/" + path)
    }

    /// `uri-host [":" port]` (RFC 9110 §7.2). Empty is allowed: it says that the target has no authority.
    static func isAuthority(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var end = bytes.count
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
            guard
                bytes[1..<bracket].allSatisfy({
                    $0.hexadecimalValue != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                }),
                bracket > 2
            else { return false }
            end = bracket + 1
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            guard bytes[..<end].allSatisfy(\.isHostCharacter) else { return false }
        }
        guard end < bytes.count else { return true }
        let port = bytes[(end + 1)...]
        guard bytes[end] == UInt8(ascii: ":"), port.count <= 5, port.allSatisfy(\.isDigit) else { return false }
        return port.isEmpty || (Int(String(decoding: port, as: UTF8.self)) ?? .max) <= 65_535
    }

    /// Enough of a bad target to recognise it, without bytes that would upset a terminal.
    private static func excerpt(_ bytes: Span<UInt8>) -> String {
        var text = ""
        for index in 0..<min(bytes.count, 64) {
            text.unicodeScalars.append(bytes[index].isTarget ? Unicode.Scalar(bytes[index]) : "?")
        }
        return text
    }
}
