import Basics
import Foundation
import Glibc

/// A web server with one file, for downloads: it knows byte ranges, and can break off.
final class FileServer: Sendable {
    struct Behaviour: Sendable {
        var content: [UInt8]
        var knowsRanges = true
        /// The first answer ends after this many bytes of its body.
        var firstBreak: Int?
    }

    let port: UInt16
    private let descriptor: CInt
    private let behaviour: Behaviour
    /// The first bytes that were asked for, one for each request.
    private let starts = Lock<[Int]>([])

    var requestedStarts: [Int] { starts.withLock { $0 } }

    init(_ behaviour: Behaviour) throws {
        self.behaviour = behaviour
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(descriptor, address, size) == 0, listen(descriptor, 8) == 0 else { return CInt(-1) }
                return getsockname(descriptor, address, &size)
            }
        }
        guard descriptor >= 0, code == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [self] in serve() }
        thread.start()
    }

    /// Ends the thread: `accept` fails from now on.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private func serve() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return }
            answer(connection)
            close(connection)
        }
    }

    private func answer(_ connection: CInt) {
        var head = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while !head.contains("\r\n\r\n") {
            let count = read(connection, &buffer, buffer.count)
            guard count > 0 else { return }
            head += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let range = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("range: bytes=") }
        let wanted = range.flatMap { Int($0.dropFirst("range: bytes=".count).prefix { $0.isNumber }) } ?? 0
        let isFirst = starts.withLock { starts in
            starts.append(wanted)
            return starts.count == 1
        }
        let start = behaviour.knowsRanges ? wanted : 0
        guard start < behaviour.content.count || behaviour.content.isEmpty else {
            send(
                connection,
                Array("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
            return
        }
        let body = behaviour.content[start...]
        let status = start > 0 ? "206 Partial Content" : "200 OK"
        let place = "Content-Range: bytes \(start)-\(behaviour.content.count - 1)/\(behaviour.content.count)\r\n"
        let fields = "Content-Length: \(body.count)\r\nConnection: close\r\n" + (start > 0 ? place : "")
        send(connection, Array("HTTP/1.1 \(status)\r\n\(fields)\r\n".utf8))
        send(connection, Array(isFirst ? body.prefix(behaviour.firstBreak ?? .max) : body))
    }

    private func send(_ connection: CInt, _ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            done += count
        }
    }
}
