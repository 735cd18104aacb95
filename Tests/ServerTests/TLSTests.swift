import Client
import Dispatch
import Glibc
import HTTPTypes
import Posix
import Server
import TLS
import TestSupport
import Testing

/// The same server behind TLS.
@Suite struct TLSTests {
    private static func file(_ name: String) -> String { Fixtures.path("tls/\(name).pem") }

    private func server(
        timeouts: Timeouts = Timeouts(), clientAuthority: String? = nil, inherited: [Socket.Inherited] = [],
        _ body: @escaping @Sendable (Request, ResponseWriter) -> Void = describe
    ) throws -> TestServer {
        let identity = try TLSIdentity(
            .init(
                certificate: Self.file("server"), key: Self.file("server-key"), clientAuthority: clientAuthority))
        return try TestServer(
            listen: inherited.isEmpty ? ["127.0.0.1:0"] : [], timeouts: timeouts, identity: identity,
            inherited: inherited, body)
    }

    /// A socket to listen on, for whose connections the system buffers `bytes`.
    /// - Parameter option: SO_RCVBUF or SO_SNDBUF.
    private func listening(_ option: CInt, _ bytes: CInt) throws -> Socket.Inherited {
        let socket = try Socket.listening(on: Address("127.0.0.1:0"))
        var bytes = bytes
        setsockopt(socket.raw, SOL_SOCKET, option, &bytes, socklen_t(MemoryLayout<CInt>.size))
        return Socket.Inherited(raw: dup(socket.raw))
    }

    private func client(_ server: TestServer, certificate: String? = nil) throws -> Client {
        var client = try Client("https://\(server.addresses[0])")
        client.trust = ClientTrust(
            authority: Self.file("authority"), certificate: certificate.map(Self.file),
            key: certificate.map { Self.file($0 + "-key") })
        return client
    }

    @Test func answers() throws {
        let server = try server()
        let answer = try client(server).get("/path")
        #expect(answer.status == 200 && answer.text == "GET /path")
    }

    @Test func carriesLargeBodiesBothWays() throws {
        let directory = try TemporaryDirectory()
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try writeFile(directory.file("f"), bytes.span)
        let path = directory.file("f")
        let server = try server { request, reply in
            if case .content(let content) = request.body, let received = try? content.bytes(), received == bytes {
                guard let file = try? FileSlice(path: path) else { return }
                reply.send(Response(body: .file(file)))
            } else {
                reply.send(Response(.badRequest))
            }
        }
        let answer = try client(server).send(ClientRequest("POST", "/", body: bytes))
        #expect(answer.status == 200)
        #expect(answer.body == bytes)
    }

    @Test func asksForCertificatesWhereToldTo() throws {
        let server = try server(clientAuthority: Self.file("authority"))
        #expect(try client(server, certificate: "client").get("/").status == 200)
        #expect(throws: ClientError.self) { try client(server).get("/") }
    }

    @Test func speaksNoPlainHTTP() throws {
        let server = try server()
        let plain = try server.client()
        try plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        // An alert, or nothing, and then the end; in no case an answer.
        #expect(!String(decoding: try plain.readToEnd(), as: UTF8.self).contains("HTTP/"))
    }

    @Test func cutsOffHandshakesThatDoNotEnd() throws {
        var timeouts = Timeouts()
        timeouts.handshake = .milliseconds(50)
        let server = try server(timeouts: timeouts)
        let silent = try server.client()
        try silent.send([22, 3, 1])
        #expect(try silent.readToEnd().isEmpty)
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    /// Those who dawdle over their handshake hold up nobody.
    @Test func servesOthersMeanwhile() throws {
        let server = try server()
        let silent = try (0..<100).map { _ in try server.client() }
        #expect(try client(server).get("/").status == 200)
        for client in silent { client.abort() }
    }

    /// More records without a byte for the server than it reads in one turn, all there before it begins: the socket will not tell it again of
    /// the request behind them.
    @Test func findsTheRequestBehindManyKeyUpdates() throws {
        let gate = DispatchSemaphore(value: 0)
        let server = try server(inherited: [listening(SO_RCVBUF, 1 << 20)]) { request, reply in
            if request.path == "/first" { gate.wait() }
            describe(request, reply)
        }
        let client = try KeyRenewer(server, trusting: Self.file("authority"))
        try client.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n")
        try client.renewKeys(7_000, asksPeer: false)
        try client.send("GET /second HTTP/1.1\r\nHost: h\r\n\r\n")
        gate.signal()
        var text = ""
        while !text.hasSuffix("GET /second") {
            let more = try client.read()
            try #require(!more.isEmpty)
            text += more
        }
        #expect(text.contains("GET /first"))
    }

    /// Replies that nobody takes do not pile up: no timeout is what ends this.
    @Test func cutsOffThoseWhoAskForKeysAndTakeNone() throws {
        var timeouts = Timeouts()
        timeouts.start = .seconds(600)
        timeouts.write = .seconds(600)
        let server = try server(timeouts: timeouts, inherited: [listening(SO_SNDBUF, 4_096)])
        let client = try KeyRenewer(server, trusting: Self.file("authority"))
        for _ in 0..<1_000 {
            do { try client.renewKeys(100, asksPeer: true) } catch { break }
        }
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    /// A client that does nothing but renew its keys, faster than the server can, runs out of time like one that does nothing.
    @Test func keyUpdatesAreNoSignOfLife() throws {
        var timeouts = Timeouts()
        timeouts.start = .milliseconds(200)
        timeouts.write = .milliseconds(200)
        let server = try server(timeouts: timeouts)
        let client = try KeyRenewer(server, trusting: Self.file("authority"))
        let socket = client.socket
        DispatchQueue(label: "replies").async { @Sendable in
            while let replies = try? socket.read(), !replies.isEmpty {}
        }
        var isOver = false
        for _ in 0..<3_000 where !isOver {
            do { try client.renewKeys(100, asksPeer: true) } catch { isOver = true }
        }
        #expect(isOver)
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    @Test func leavesUnixSocketsPlain() throws {
        let directory = try TemporaryDirectory()
        let identity = try TLSIdentity(
            .init(certificate: Self.file("server"), key: Self.file("server-key"), clientAuthority: nil))
        let server = try TestServer(listen: ["unix:\(directory.file("s"))"], identity: identity, describe)
        #expect(try Client(server.addresses[0].description).get("/").status == 200)
    }
}

/// A client that may send what no library would, over a socket of its own.
private final class KeyRenewer {
    let socket: LoopbackClient
    private var session: TLSSession

    init(_ server: TestServer, trusting authority: String) throws {
        socket = try server.client()
        session = try TLSSession(client: try TLSContext(trusting: authority), host: "127.0.0.1")
        while true {
            try session.handshake()
            try sendOutgoing()
            if session.isEstablished { return }
            let hasMore = try receive()
            try #require(hasMore)
        }
    }

    /// Takes in what the socket has; false at its end.
    private func receive() throws -> Bool {
        let bytes = try socket.read()
        try bytes.span.bytes.withUnsafeBytes { bytes throws(TLSError) in try session.receive(bytes) }
        return !bytes.isEmpty
    }

    private func sendOutgoing() throws {
        let bytes = [UInt8](unsafeUninitializedCapacity: session.outgoingCount) { buffer, count in
            count = session.takeOutgoing(into: UnsafeMutableRawBufferPointer(buffer))
        }
        try socket.send(bytes)
    }

    /// Sends so many KeyUpdates at once.
    func renewKeys(_ count: Int, asksPeer: Bool) throws {
        for _ in 0..<count { try session.renewKeys(asksPeer: asksPeer) }
        try sendOutgoing()
    }

    func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = try bytes.withUnsafeBytes { bytes throws(TLSError) in try session.write(bytes) }
        try sendOutgoing()
    }

    /// What comes next; empty at the end.
    func read() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 10_000)
        while true {
            let outcome = try buffer.withUnsafeMutableBytes { buffer throws(TLSError) in
                try session.read(into: buffer)
            }
            switch outcome {
            case .bytes(let count): return String(decoding: buffer[..<count], as: UTF8.self)
            case .closed: return ""
            case .needsInput: guard try receive() else { return "" }
            }
        }
    }
}
