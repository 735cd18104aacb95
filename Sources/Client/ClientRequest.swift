import Basics
import Glibc

/// One part of a form: a value, or a file that is read while it is sent.
package struct FormPart: Sendable {
    package enum Source: Sendable {
        case bytes([UInt8])
        case file(path: String)
    }

    package let name: String
    package let filename: String?
    package let type: String?
    package let source: Source

    package init(_ name: String, text: String) {
        self.init(name, bytes: Array(text.utf8), filename: nil, type: nil)
    }

    package init(_ name: String, bytes: [UInt8], filename: String?, type: String? = "application/octet-stream") {
        self.name = name
        self.filename = filename
        self.type = type
        source = .bytes(bytes)
    }

    package init(_ name: String, file path: String) {
        self.name = name
        filename = path.split(separator: "/").last.map(String.init) ?? path
        type = "application/octet-stream"
        source = .file(path: path)
    }
}

/// Bytes of a body, in memory or on disk.
package enum BodyPiece: Sendable {
    case bytes([UInt8])
    case file(path: String, byteCount: Int)

    var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, let count): count
        }
    }

    func write(to socket: borrowing ClientSocket) throws(ClientError) {
        switch self {
        case .bytes(let bytes): try socket.write(bytes)
        case .file(let path, let count): try socket.writeFile(path, byteCount: count)
        }
    }
}

package struct ClientRequest: Sendable {
    package let method: String
    package let path: String
    package var headers: [(String, String)]
    package let body: [BodyPiece]

    package init(_ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body.map { [.bytes($0)] } ?? []
        if let body { self.headers.append(("Content-Length", "\(body.count)")) }
    }

    /// A `multipart/form-data` request (RFC 7578).
    package init(
        _ method: String, _ path: String, form: [FormPart], headers: [(String, String)] = []
    ) throws(ClientError) {
        let boundary = Identifier.make("gmiseg")
        var pieces: [BodyPiece] = []
        for part in form {
            var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(Self.escape(part.name))\""
            if let filename = part.filename { head += "; filename=\"\(Self.escape(filename))\"" }
            head += "\r\n"
            if let type = part.type { head += "Content-Type: \(type)\r\n" }
            pieces.append(.bytes(Array((head + "\r\n").utf8)))
            switch part.source {
            case .bytes(let bytes): pieces.append(.bytes(bytes))
            case .file(let path): pieces.append(.file(path: path, byteCount: try Self.size(path)))
            }
            pieces.append(.bytes(Array("\r\n".utf8)))
        }
        pieces.append(.bytes(Array("--\(boundary)--\r\n".utf8)))
        self.method = method
        self.path = path
        body = pieces
        self.headers =
            headers + [
                ("Content-Type", "multipart/form-data; boundary=\(boundary)"),
                ("Content-Length", "\(pieces.reduce(0) { $0 + $1.byteCount })"),
            ]
    }

    func head(host: String, token: String?) -> String {
        var text = "\(method) \(path) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.0.lowercased() == "host" }) {
            text += "Host: \(host.hasPrefix("unix:") ? "localhost" : host)\r\n"
        }
        text += "Connection: close\r\n"
        if let token { text += "Authorization: Bearer \(token)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return text + "\r\n"
    }

    /// WHATWG's form of RFC 7578 §4.2: what would end the quoted text or the line is percent-encoded.
    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\"": result += "%22"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func size(_ path: String) throws(ClientError) -> Int {
        var information = stat()
        guard stat(path, &information) == 0 else { throw .file(path: path, errno: errno) }
        guard information.st_mode & S_IFMT == S_IFREG else { throw .file(path: path, errno: EISDIR) }
        return Int(information.st_size)
    }
}
