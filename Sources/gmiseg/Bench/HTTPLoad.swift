import Client
import Foundation
import Glibc

/// Connections that each send a request as soon as the answer before it is there: one thread, `poll`, no library.
struct HTTPLoad {
    struct Result: BenchReport {
        let bench: String
        let path: String
        let connections: Int
        let seconds: Double
        let requests: Int
        let requestsPerSecond: Double
        let median: Double
        let p99: Double

        enum CodingKeys: String, CodingKey {
            case bench, path, connections, seconds, requests
            case requestsPerSecond = "requests_per_second"
            case median = "p50_ms"
            case p99 = "p99_ms"
        }

        var sentence: String {
            String(
                format: "GET %@: %.0f requests a second, p50 %.2f ms, p99 %.2f ms, %d connections", path,
                requestsPerSecond, median, p99, connections)
        }
    }

    private let address: String
    private let path: String
    private let connections: Int

    init(address: String, connections: Int, path: String) {
        self.address = address
        self.connections = connections
        self.path = path
    }

    /// Ends with an error at the first answer that is not a whole 200.
    func run(for duration: Duration) throws -> Result {
        guard case .tcp(let host, let port, _) = try ServerAddress(address) else {
            throw BenchFailure(reason: "load is made by TCP, not at \(address)")
        }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\n\r\n".utf8)
        var users = try (0..<connections).map { _ in try LoadConnection(host: host, port: port) }
        defer { for user in users { close(user.descriptor) } }
        var watched = users.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var latencies: [Double] = []
        let start = ContinuousClock.now
        for index in users.indices { try users[index].send(request) }
        while ContinuousClock.now - start < duration {
            guard poll(&watched, nfds_t(watched.count), 1_000) > 0 else { continue }
            for index in watched.indices where watched[index].revents != 0 {
                guard let latency = try users[index].receive() else { continue }
                latencies.append(latency)
                try users[index].send(request)
            }
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        guard !latencies.isEmpty else { throw BenchFailure(reason: "no answer came in \(duration)") }
        let times = Percentiles(latencies)
        return Result(
            bench: "http", path: path, connections: connections, seconds: elapsed, requests: latencies.count,
            requestsPerSecond: Double(latencies.count) / elapsed, median: times.median * 1e3, p99: times[0.99] * 1e3)
    }
}

/// One client that waits for its answer before it asks again.
private struct LoadConnection {
    let descriptor: CInt
    private var sent = ContinuousClock.now
    private var answer: [UInt8] = []

    init(host: String, port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &name.sin_addr)
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            throw ClientError.connection(address: "\(host):\(port)", call: "connect", errno: errno)
        }
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    mutating func send(_ request: [UInt8]) throws {
        sent = .now
        guard Glibc.send(descriptor, request, request.count, CInt(MSG_NOSIGNAL)) == request.count else {
            throw ClientError.connection(address: "the server", call: "send", errno: errno)
        }
    }

    /// Seconds since the request was sent, once the whole answer is here; nil before.
    mutating func receive() throws -> Double? {
        var chunk = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { throw ClientError.closedEarly }
        answer += chunk[..<count]
        guard let length = Self.length(of: answer) else { return nil }
        guard answer.count >= length else { return nil }
        guard answer.starts(with: "HTTP/1.1 200 ".utf8) else {
            throw ClientError.malformedAnswer(String(decoding: answer.prefix(80), as: UTF8.self))
        }
        answer = []
        return (ContinuousClock.now - sent) / .seconds(1)
    }

    /// Bytes of head and body together, once the head is whole.
    private static func length(of answer: [UInt8]) -> Int? {
        let end = Array("\r\n\r\n".utf8)
        guard answer.count >= 4,
            let head = (0...(answer.count - 4)).first(where: { answer[$0..<$0 + 4].elementsEqual(end) })
        else { return nil }
        let lines = String(decoding: answer[..<head], as: UTF8.self).lowercased().split(separator: "\r\n")
        let field = lines.first { $0.hasPrefix("content-length:") }
        let count = field.flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) }
        return head + 4 + (count ?? 0)
    }
}
