/// Reads `token *( OWS ";" OWS name "=" ( token / quoted-string ) )`, the form of Content-Type, Content-Disposition and Accept
/// elements (RFC 9110 §5.6.6).
struct ParameterReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte.isBlank { index += 1 }
    }

    /// The bytes up to the first that is no token character, `alsoAllowed` aside; nil when there are none.
    mutating func token(alsoAllowed: UInt8? = nil) -> String? {
        skipBlanks()
        let start = index
        while let byte = current, byte.isToken || byte == alsoAllowed { index += 1 }
        return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
    }

    /// The next parameter, its name in lower case. `.some(nil)` at the end, nil when the text is malformed.
    mutating func nextParameter() -> (name: String, value: String)?? {
        skipBlanks()
        var isSeparated = false
        while current == UInt8(ascii: ";") {  // empty parameters are allowed, RFC 9110 §5.6.6
            isSeparated = true
            index += 1
            skipBlanks()
        }
        guard current != nil else { return .some(nil) }
        guard isSeparated, let name = token(), current == UInt8(ascii: "=") else { return nil }
        index += 1
        guard let value = current == UInt8(ascii: "\"") ? quotedString() : token() else { return nil }
        skipBlanks()
        guard current == nil || current == UInt8(ascii: ";") else { return nil }
        return (name.lowercased(), value)
    }

    /// A quoted string. Only `\"` and `\\` are escapes: browsers send Windows paths with bare backslashes.
    private mutating func quotedString() -> String? {
        index += 1
        var value: [UInt8] = []
        while let byte = current {
            index += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: value, as: UTF8.self) }
            if byte == UInt8(ascii: "\\"), let next = current, next == UInt8(ascii: "\"") || next == byte {
                value.append(next)
                index += 1
            } else {
                value.append(byte)
            }
        }
        return nil
    }
}
