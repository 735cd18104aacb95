import Client
import Dispatch
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
        timeouts: Timeouts = Timeouts(), clientAuthority: String? = nil,
        _ body: @escaping @Sendable (Request, ResponseWriter) -> Void = describe
    ) throws -> TestServer {
        let identity = try TLSIdentity(
            .init(
                certificate: Self.file("server"), key: Self.file("server-key"), clientAuthority: clientAuthority))
        return try TestServer(timeouts: timeouts, identity: identity, body)
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

    @Test func leavesUnixSocketsPlain() throws {
        let directory = try TemporaryDirectory()
        let identity = try TLSIdentity(
            .init(certificate: Self.file("server"), key: Self.file("server-key"), clientAuthority: nil))
        let server = try TestServer(listen: ["unix:\(directory.file("s"))"], identity: identity, describe)
        #expect(try Client(server.addresses[0].description).get("/").status == 200)
    }
}
