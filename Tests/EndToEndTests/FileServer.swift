import Basics

/// A web server with one file, for downloads: it knows byte ranges, and can break off.
final class FileServer: Sendable {
    struct Behaviour: Sendable {
        var content: [UInt8]
        var knowsRanges = true
        /// The first answer ends after this many bytes of its body.
        var firstBreak: Int?
    }

    private let server: LoopbackServer
    /// The first bytes that were asked for, one for each request.
    private let starts: Lock<[Int]>

    var port: UInt16 { server.port }
    var requestedStarts: [Int] { starts.withLock { $0 } }

    init(_ behaviour: Behaviour) throws {
        let starts = Lock<[Int]>([])
        self.starts = starts
        server = try LoopbackServer { head in
            let wanted = Self.wantedStart(head)
            let isFirst = starts.withLock { starts in
                starts.append(wanted)
                return starts.count == 1
            }
            return Self.response(behaviour, from: behaviour.knowsRanges ? wanted : 0, isFirst: isFirst)
        }
    }

    func stop() { server.stop() }

    private static func wantedStart(_ head: String) -> Int {
        let range = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("range: bytes=") }
        return range.flatMap { Int($0.dropFirst("range: bytes=".count).prefix { $0.isNumber }) } ?? 0
    }

    private static func response(_ behaviour: Behaviour, from start: Int, isFirst: Bool) -> [UInt8] {
        guard start < behaviour.content.count || behaviour.content.isEmpty else {
            return Array("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        }
        let body = behaviour.content[start...]
        let status = start > 0 ? "206 Partial Content" : "200 OK"
        let place = "Content-Range: bytes \(start)-\(behaviour.content.count - 1)/\(behaviour.content.count)\r\n"
        let fields = "Content-Length: \(body.count)\r\nConnection: close\r\n" + (start > 0 ? place : "")
        return Array("HTTP/1.1 \(status)\r\n\(fields)\r\n".utf8)
            + (isFirst ? body.prefix(behaviour.firstBreak ?? .max) : body)
    }
}
