/// A whole answer.
package struct ClientResponse: Sendable {
    package let status: Int
    /// In the order of arrival, names as sent.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Reads one answer off a socket: Content-Length, chunked, or up to the end of the connection (RFC 9112 §6.3).
struct ResponseReader: ~Copyable {
    private let socket: ClientSocket
    private var buffer: [UInt8] = []
    private var position = 0

    static func read(_ socket: consuming ClientSocket, isHead: Bool) throws(ClientError) -> ClientResponse {
        var reader = ResponseReader(socket: socket)
        return try reader.answer(isHead: isHead)
    }

    private init(socket: consuming ClientSocket) { self.socket = socket }

    private mutating func answer(isHead: Bool) throws(ClientError) -> ClientResponse {
        while true {
            let status = try statusLine()
            let headers = try self.headers()
            // An interim answer, such as 100, is followed by the real one.
            if (100..<200).contains(status) { continue }
            let body = isHead || status == 204 || status == 304 ? [] : try self.body(headers)
            return ClientResponse(status: status, headers: headers, body: body)
        }
    }

    private mutating func statusLine() throws(ClientError) -> Int {
        let line = try self.line()
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw .malformedAnswer("status line \"\(line.prefix(80))\"")
        }
        return status
    }

    private mutating func headers() throws(ClientError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        while true {
            let line = try self.line()
            if line.isEmpty { return headers }
            guard let colon = line.firstIndex(of: ":") else { throw .malformedAnswer("header \"\(line.prefix(80))\"") }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers.append((String(line[..<colon]), String(value)))
        }
    }

    private mutating func body(_ headers: [(name: String, value: String)]) throws(ClientError) -> [UInt8] {
        func value(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
        if value("transfer-encoding")?.lowercased() == "chunked" { return try chunks() }
        if let text = value("content-length") {
            guard let count = Int(text), count >= 0 else { throw .malformedAnswer("Content-Length \"\(text)\"") }
            return try take(count)
        }
        var body: [UInt8] = []
        while try fill() { body += take() }
        return body + take()
    }

    private mutating func chunks() throws(ClientError) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try self.line()
            let digits = line.prefix { $0 != ";" }
            guard let count = Int(digits, radix: 16), count >= 0 else {
                throw .malformedAnswer("chunk \"\(line.prefix(80))\"")
            }
            if count == 0 {
                _ = try headers()
                return body
            }
            body += try take(count)
            _ = try self.line()
        }
    }

    /// Up to the next line end, without it.
    private mutating func line() throws(ClientError) -> String {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[position..<end]
                position = end + 1
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            searched = buffer.count
            guard try fill() else { throw .closedEarly }
        }
    }

    private mutating func take(_ count: Int) throws(ClientError) -> [UInt8] {
        while buffer.count - position < count {
            guard try fill() else { throw .closedEarly }
        }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }

    /// What has arrived and was not taken yet.
    private mutating func take() -> [UInt8] {
        defer { position = buffer.count }
        return Array(buffer[position...])
    }

    /// Receives more; false at the end of the connection.
    private mutating func fill() throws(ClientError) -> Bool {
        let bytes = try socket.read()
        buffer += bytes
        return !bytes.isEmpty
    }
}
