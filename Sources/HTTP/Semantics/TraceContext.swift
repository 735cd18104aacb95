/// Where in a trace a request stands: the `traceparent` field of W3C Trace Context, version 00.
package struct TraceContext: Sendable, Equatable {
    /// 32 lower-case hexadecimal digits, not all zero.
    package let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero: the caller's part of the trace.
    package let parentID: String
    /// 2 hexadecimal digits, handed on as they came.
    package let flags: String

    /// Nil for anything else, as the standard has it: who cannot read the field goes on without.
    package init?(_ header: String) {
        let parts = header.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHex(parts[0], 2), parts[0] != "ff", Self.isHex(parts[1], 32),
            Self.isHex(parts[2], 16), Self.isHex(parts[3], 2),
            // A later version may have more to say; 00 may not.
            parts[0] != "00" || parts.count == 4,
            parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
        else { return nil }
        traceID = String(parts[1])
        parentID = String(parts[2])
        flags = String(parts[3])
    }

    private static func isHex(_ text: Substring, _ count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy {
                $0.hexadecimalValue != nil && !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0)
            }
    }

    /// The same trace, with `span` as the part of it that answers.
    package func answer(span: String) -> String { "00-\(traceID)-\(span)-\(flags)" }
}
