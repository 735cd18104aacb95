import TLS
import TestSupport
import Testing

/// Two sessions that talk to each other through memory.
struct Pair: ~Copyable {
    var server: TLSSession
    var client: TLSSession

    init(_ context: TLSContext, _ clientContext: TLSContext, host: String = "localhost") throws {
        let accepting = try TLSSession(server: context)
        let connecting = try TLSSession(client: clientContext, host: host)
        server = accepting
        client = connecting
    }

    /// Carries what waits on either side to the other, `step` bytes at a time.
    /// - Returns: Whether anything was carried.
    mutating func carry(step: Int = 1 << 14) throws(TLSError) -> Bool {
        let (forth, back) = (Self.take(&client), Self.take(&server))
        for start in stride(from: 0, to: forth.count, by: step) {
            let piece = forth.span.bytes.extracting(start..<min(start + step, forth.count))
            try piece.withUnsafeBytes { bytes throws(TLSError) in try server.receive(bytes) }
            // What came so far is looked at, be it a part of a record only.
            if !server.isEstablished { try server.handshake() }
        }
        for start in stride(from: 0, to: back.count, by: step) {
            let piece = back.span.bytes.extracting(start..<min(start + step, back.count))
            try piece.withUnsafeBytes { bytes throws(TLSError) in try client.receive(bytes) }
            if !client.isEstablished { try client.handshake() }
        }
        return !forth.isEmpty || !back.isEmpty
    }

    private static func take(_ session: inout TLSSession) -> [UInt8] {
        let count = session.outgoingCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, taken in
            taken = session.takeOutgoing(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    mutating func shakeHands(step: Int = 1 << 14) throws(TLSError) {
        try client.handshake()
        while try carry(step: step) {}
    }
}

@Suite struct SessionTests {
    static func file(_ name: String) -> String { Fixtures.path("tls/\(name).pem") }

    static func serverContext(_ name: String = "server", clientAuthority: String? = nil) throws -> TLSContext {
        try TLSContext(certificate: file(name), key: file("\(name)-key"), clientAuthority: clientAuthority)
    }

    static func clientContext() throws -> TLSContext { try TLSContext(trusting: file("authority")) }

    private func read(_ session: inout TLSSession) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 5_000)
        while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ buffer throws(TLSError) in
            try session.read(into: buffer)
        }) {
            bytes += buffer[..<count]
        }
        return bytes
    }

    @Test(arguments: [1 << 14, 100, 1]) func carriesBytes(step: Int) throws {
        var pair = try Pair(try Self.serverContext(), try Self.clientContext())
        try pair.shakeHands(step: step)
        let areEstablished = pair.server.isEstablished && pair.client.isEstablished
        let name = pair.client.peerName
        #expect(areEstablished && name == "/CN=GMISeg test server")

        let message = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var sent = 0
        while sent < message.count {
            let rest = Array(message[sent...])
            guard
                case .bytes(let count) = try rest.withUnsafeBytes({ bytes throws(TLSError) in
                    try pair.client.write(bytes)
                })
            else { break }
            sent += count
        }
        let count = pair.client.outgoingCount
        #expect(count > message.count)
        while try pair.carry(step: step) {}
        let received = try read(&pair.server)
        #expect(received == message)

        pair.client.close()
        _ = try pair.carry()
        var buffer = [UInt8](repeating: 0, count: 10)
        let end = try buffer.withUnsafeMutableBytes { buffer throws(TLSError) in try pair.server.read(into: buffer) }
        #expect(end == .closed)
    }

    /// Each KeyUpdate that asks for one is answered, however many there are: it is for the server to limit what waits.
    @Test func renewsKeys() throws {
        var pair = try Pair(try Self.serverContext(), try Self.clientContext())
        try pair.shakeHands()
        for _ in 0..<100 { try pair.client.renewKeys(asksPeer: true) }
        _ = try pair.carry()
        let nothing = try read(&pair.server)
        let waiting = pair.server.outgoingCount
        #expect(nothing.isEmpty && waiting > 2_000)
        // What comes under the new keys is read as before.
        let message = Array("hello".utf8)
        _ = try message.withUnsafeBytes { bytes throws(TLSError) in try pair.client.write(bytes) }
        while try pair.carry() {}
        let received = try read(&pair.server)
        #expect(received == message)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        var authority = "authority"
        var host = "localhost"
        var applicationProtocol = "http/1.1"
        var clientAuthority: String?
        var testDescription: String { name }
    }

    static let refusals = [
        Refusal(name: "another name", host: "gmiseg.example"), Refusal(name: "another address", host: "127.0.0.2"),
        Refusal(name: "an authority that is not trusted", authority: "client"),
        Refusal(name: "another protocol", applicationProtocol: "h2"),
        Refusal(name: "no certificate of the client", clientAuthority: "authority"),
    ]

    @Test(arguments: refusals) func refuses(_ row: Refusal) throws {
        let client = try TLSContext(
            trusting: Self.file(row.authority), applicationProtocol: row.applicationProtocol)
        var pair = try Pair(
            try Self.serverContext(clientAuthority: row.clientAuthority.map(Self.file)), client, host: row.host)
        var failure: TLSError?
        do throws(TLSError) {
            try pair.shakeHands()
            // A server that misses a certificate says so after the client has thought all was well (TLS 1.3).
            while try pair.carry() {}
        } catch {
            failure = error
        }
        guard case .handshake? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test func acceptsAddressesAndClientsCertificates() throws {
        let client = try TLSContext(
            trusting: Self.file("authority"), certificate: Self.file("client"), key: Self.file("client-key"))
        var pair = try Pair(
            try Self.serverContext(clientAuthority: Self.file("authority")), client, host: "127.0.0.1")
        try pair.shakeHands()
        let name = pair.server.peerName
        #expect(name == "/CN=GMISeg test client")
    }

    @Test func renewsItsCertificate() throws {
        let folder = try TemporaryDirectory()
        let files = TLSIdentity.Files(
            certificate: folder.file("cert"), key: folder.file("key"), clientAuthority: nil)
        func install(_ certificate: String, _ key: String) throws {
            try copyFile(Self.file(certificate), to: files.certificate)
            try copyFile(Self.file(key), to: files.key)
        }
        try install("server", "server-key")
        let identity = try TLSIdentity(files)
        var before = try Pair(identity.context, try Self.clientContext())
        try before.shakeHands()

        // Half a renewal is refused, and changes nothing.
        try install("renewed", "server-key")
        #expect(throws: TLSError.keyMismatch(certificate: files.certificate, key: files.key)) { try identity.reload() }
        try install("renewed", "renewed-key")
        try identity.reload()
        var after = try Pair(identity.context, try Self.clientContext())
        try after.shakeHands()
        let (old, new) = (before.client.peerName, after.client.peerName)
        #expect(old == "/CN=GMISeg test server" && new == "/CN=GMISeg test renewed")
        // The old connection lives on.
        _ = try [1].withUnsafeBytes { bytes throws(TLSError) in try before.client.write(bytes) }
        _ = try before.carry()
        let received = try read(&before.server)
        #expect(received.count == 8)
    }

    @Test func refusesFilesThatDoNotServe() throws {
        let (good, key) = (Self.file("server"), Self.file("server-key"))
        #expect(throws: TLSError.self) { try TLSContext(certificate: "/nowhere", key: key) }
        #expect(throws: TLSError.self) { try TLSContext(certificate: good, key: "/nowhere") }
        #expect(throws: TLSError.self) { try TLSContext(certificate: key, key: key) }
        #expect(throws: TLSError.self) { try TLSContext(certificate: good, key: key, clientAuthority: "/nowhere") }
        #expect(throws: TLSError.keyMismatch(certificate: good, key: Self.file("client-key"))) {
            try TLSContext(certificate: good, key: Self.file("client-key"))
        }
    }

    /// No bytes that a stranger can send do more than end the session.
    @Test func survivesNoise() throws {
        let context = try Self.serverContext()
        for seed in 0..<200 {
            var session = try TLSSession(server: context)
            var bytes = (0..<400).map { UInt8(truncatingIfNeeded: ($0 &* 31 &+ seed &* 97) ^ ($0 >> 3)) }
            // Half of them begin like a handshake record.
            if seed.isMultiple(of: 2) { bytes.replaceSubrange(0..<5, with: [22, 3, 1, 1, 0]) }
            do throws(TLSError) {
                try bytes.span.bytes.withUnsafeBytes { bytes throws(TLSError) in try session.receive(bytes) }
                try session.handshake()
            } catch {}
            let isEstablished = session.isEstablished
            #expect(!isEstablished)
        }
    }
}
