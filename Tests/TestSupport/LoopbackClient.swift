import Glibc

/// A blocking client on a raw socket, for tests of live servers: what it sends is what the test wrote, byte for byte.
package final class LoopbackClient: @unchecked Sendable {
    // Invariant: a test uses it from one task at a time.
    private let raw: CInt
    private var buffer: [UInt8] = []
    private var isOpen = true

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package struct Response: Sendable {
        package let version: String
        package let status: Int
        /// Names in lower case; repeated fields joined by a comma.
        package let fields: [String: String]
        package let body: [UInt8]
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Connects to `127.0.0.1:port`, `[::1]:port` or `unix:path`. Every call gives up after `timeoutSeconds`.
    package init(_ address: String, timeoutSeconds: Int = 60) throws {
        if address.hasPrefix("unix:") {
            raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var unix = sockaddr_un()
            unix.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: address.dropFirst(5).utf8) }
            try Self.connect(raw, &unix, address)
        } else if address.hasPrefix("[::1]:") {
            raw = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
            var ip6 = sockaddr_in6()
            ip6.sin6_family = sa_family_t(AF_INET6)
            ip6.sin6_port = (UInt16(address.dropFirst(6)) ?? 0).bigEndian
            ip6.sin6_addr = in6addr_loopback
            try Self.connect(raw, &ip6, address)
        } else {
            raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var ip4 = sockaddr_in()
            ip4.sin_family = sa_family_t(AF_INET)
            ip4.sin_port = (UInt16(address.split(separator: ":").last ?? "") ?? 0).bigEndian
            ip4.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            try Self.connect(raw, &ip4, address)
        }
        var timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    private static func connect<Address>(_ raw: CInt, _ address: inout Address, _ name: String) throws {
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(raw, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard code == 0 else {
            // The initialiser has set everything by now, so its throwing runs `deinit`, which closes: twice would be another's descriptor.
            throw Failure(description: "connect \(name): errno \(errno)")
        }
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        _ = Glibc.close(raw)
    }

    /// Closes with a reset instead of a goodbye.
    package func abort() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(raw, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Says that nothing more will be sent.
    package func finishSending() { _ = shutdown(raw, Int32(SHUT_WR)) }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(raw, buffer.baseAddress.map { $0 + done }, buffer.count - done, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            done += count
        }
    }

    /// More bytes; empty at the end.
    package func read() throws -> [UInt8] {
        while true {
            var (found, failure) = (0, Int32(0))
            let chunk = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                found = Glibc.read(raw, buffer.baseAddress, buffer.count)
                failure = errno
                count = max(0, found)
            }
            if found >= 0 { return chunk }
            if failure == EINTR { continue }
            throw Failure(description: failure == EAGAIN ? "read: nothing came in time" : "read: errno \(failure)")
        }
    }

    /// Everything up to the end of the connection.
    package func readToEnd() throws -> [UInt8] {
        while true {
            let chunk = try read()
            if chunk.isEmpty { break }
            buffer += chunk
        }
        defer { buffer = [] }
        return buffer
    }

    /// The line up to the next CR LF.
    package func readLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = String(decoding: buffer[..<end].filter { $0 != 13 }, as: UTF8.self)
                buffer.removeSubrange(...end)
                return line
            }
            try fill()
        }
    }

    private func fill() throws {
        let chunk = try read()
        guard !chunk.isEmpty else { throw Failure(description: "the connection ended early") }
        buffer += chunk
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        defer { buffer.removeSubrange(..<count) }
        return Array(buffer[..<count])
    }

    /// Reads one response. Interim ones (1xx) come out like any other.
    /// - Parameter hasBody: False for the answer to HEAD.
    package func response(hasBody: Bool = true) throws -> Response {
        let statusLine = try readLine().split(separator: " ", maxSplits: 2).map(String.init)
        guard statusLine.count >= 2, let status = Int(statusLine[1]) else {
            throw Failure(description: "not a status line: \(statusLine)")
        }
        var fields: [String: String] = [:]
        while case let line = try readLine(), !line.isEmpty {
            let halves = line.split(separator: ":", maxSplits: 1)
            let name = halves[0].lowercased()
            let value = halves.count > 1 ? String(halves[1].drop { $0 == " " }) : ""
            fields[name] = fields[name].map { $0 + ", " + value } ?? value
        }
        var body: [UInt8] = []
        if !hasBody || status < 200 || status == 204 || status == 304 {
            body = []
        } else if fields["transfer-encoding"] == "chunked" {
            while case let size = Int(try readLine(), radix: 16) ?? -1, size != 0 {
                guard size > 0 else { throw Failure(description: "bad chunk size") }
                body += try take(size)
                _ = try readLine()
            }
            _ = try readLine()
        } else if let length = fields["content-length"].flatMap({ Int($0) }) {
            body = try take(length)
        } else {
            body = try readToEnd()
        }
        return Response(version: statusLine[0], status: status, fields: fields, body: body)
    }
}
