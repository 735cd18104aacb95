/// One event of a `text/event-stream` (WHATWG HTML, "Server-sent events"), as bytes.
package enum ServerSentEvent {
    /// A line that clients ignore, and that tells both ends that the other is there.
    package static let keepAlive = Array(": keep-alive\n\n".utf8)

    /// - Parameters:
    ///   - id: What a client that comes back sends as Last-Event-ID.
    ///   - event: The type; one line.
    ///   - data: Any text; each of its lines becomes a `data:` line, which the client joins again.
    package static func encode(id: Int, event: String, data: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: "id: \(id)\nevent: \(event)\n")
        // CR LF, LF and CR all end a line there.
        let lines = data.replacingLineEnds.split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines { bytes.append(text: "data: \(line)\n") }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }
}

extension String {
    fileprivate var replacingLineEnds: String {
        guard utf8.contains(UInt8(ascii: "\r")) else { return self }
        var bytes: [UInt8] = []
        var previous: UInt8 = 0
        for byte in utf8 {
            if byte == UInt8(ascii: "\r") {
                bytes.append(UInt8(ascii: "\n"))
            } else if byte != UInt8(ascii: "\n") || previous != UInt8(ascii: "\r") {
                bytes.append(byte)
            }
            previous = byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
