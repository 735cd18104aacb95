import Basics
import HTTP
import HTTPTypes
import Posix
import Server
import TestSupport
import Testing

@Suite struct RefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let request: String
        let status: Int
        var testDescription: String { String(request.prefix(60)) }
    }

    @Test(arguments: [
        Row(request: "nonsense\r\n\r\n", status: 400),
        Row(request: "\u{16}\u{3}\u{1}\u{2}", status: 400),
        Row(request: "GET / HTTP/1.1\r\n\r\n", status: 400),
        Row(request: "GET / HTTP/2.0\r\n\r\n", status: 505),
        Row(request: "GET /" + String(repeating: "a", count: 9_000) + " HTTP/1.1\r\n\r\n", status: 414),
        Row(
            request: "GET / HTTP/1.1\r\nHost: h\r\nA: " + String(repeating: "a", count: 40_000) + "\r\n\r\n",
            status: 431),
        Row(request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000001\r\n\r\n", status: 413),
        Row(
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            status: 400),
        Row(request: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", status: 501),
        Row(request: "POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", status: 417),
        Row(request: "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", status: 400),
        Row(
            request: "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data\r\nContent-Length: 5\r\n\r\n",
            status: 400),
        Row(
            request:
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5\r\n\r\nhello",
            status: 400),
    ]) func answersAndCloses(_ row: Row) throws {
        var limits = Limits()
        limits.bodyBytes = 1_000_000
        let server = try TestServer(limits: limits, describe)
        let client = try server.client()
        try client.send(row.request)
        let response = try client.response()
        #expect(response.status == row.status)
        #expect(response.fields["content-type"] == "application/problem+json")
        #expect(response.fields["connection"] == "close")
        #expect(try client.readToEnd().isEmpty)
    }

    /// What is refused before its fields were read to the end was a HEAD all the same (RFC 9110 §9.3.2).
    @Test(arguments: ["", "Host: h\r\nExpect: x\r\n", "Host: h\r\nContent-Length: 9999999\r\n", "Host: h\r\nBad\r\n"])
    func aRefusedHeadHasNoBody(_ fields: String) throws {
        var limits = Limits()
        limits.bodyBytes = 1_000_000
        let server = try TestServer(limits: limits, describe)
        let client = try server.client()
        try client.send("HEAD / HTTP/1.1\r\n\(fields)\r\n")
        let response = try client.response(hasBody: false)
        #expect((400..<500).contains(response.status))
        #expect(response.fields["content-length"] != nil)
        #expect(try client.readToEnd().isEmpty)
    }

    /// The client is still sending when the answer comes, and must get it all the same: no reset may overtake it.
    @Test func tooLargeInTheMiddle() throws {
        var limits = Limits()
        limits.bodyBytes = 1_000_000
        var timeouts = Timeouts()
        timeouts.linger = .seconds(60)
        timeouts.lingerLimit = .seconds(60)
        let server = try TestServer(limits: limits, timeouts: timeouts, describe)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 1, count: 65_536) + Array("\r\n".utf8)
        for _ in 0..<40 { try client.send(chunk) }
        #expect(try client.response().status == 413)
        #expect(try client.readToEnd().isEmpty)
        #expect(TestServer.eventually { server.spooled.isEmpty })
    }

    @Test func slowHead() throws {
        var timeouts = Timeouts()
        timeouts.head = .milliseconds(100)
        let server = try TestServer(timeouts: timeouts, describe)
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHos")
        #expect(try client.response().status == 408)
        #expect(try client.readToEnd().isEmpty)
    }

    @Test func aClientThatSaysNothingGetsNoAnswer() throws {
        var timeouts = Timeouts()
        timeouts.start = .milliseconds(100)
        let server = try TestServer(timeouts: timeouts, describe)
        #expect(try server.client().readToEnd().isEmpty)
    }

    @Test func slowBody() throws {
        var timeouts = Timeouts()
        timeouts.bodyIdle = .milliseconds(100)
        let server = try TestServer(timeouts: timeouts, describe)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\nabc")
        #expect(try client.response().status == 408)
        #expect(TestServer.eventually { server.spooled.isEmpty })
    }

    @Test func idleConnectionsAreClosed() throws {
        var timeouts = Timeouts()
        timeouts.keepAlive = .milliseconds(100)
        let server = try TestServer(timeouts: timeouts, describe)
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 200)
        #expect(try client.readToEnd().isEmpty)
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    @Test func slowReaders() throws {
        var timeouts = Timeouts()
        timeouts.write = .milliseconds(200)
        let server = try TestServer(timeouts: timeouts) { _, reply in
            reply.send(Response(type: .text, bytes: [UInt8](repeating: 1, count: 64 << 20)))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        _ = try client.readLine()
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    @Test func connectionLimit() throws {
        var limits = Limits()
        limits.connections = 2
        let server = try TestServer(limits: limits, describe)
        let first = try server.client()
        let second = try server.client()
        for client in [first, second] {
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().status == 200)
        }
        let third = try server.client()
        try third.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let response = try third.response()
        #expect(response.status == 503 && response.fields["retry-after"] == "1")
        #expect(try third.readToEnd().isEmpty)
        first.close()
        #expect(TestServer.eventually { server.server.connectionCount == 1 })
        let fourth = try server.client()
        try fourth.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try fourth.response().status == 200)
    }

    @Test func anUnansweredRequestIsAnError() throws {
        let server = try TestServer { _, _ in }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 500 && response.text == #"{"detail":"The request was not answered."}"#)
        // The request was read to its end, so the connection is fine.
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 500)
    }

    @Test func anAbortedUploadLeavesNothing() throws {
        let server = try TestServer(describe)
        for isForm in [false, true] {
            let client = try server.client()
            let type = isForm ? "multipart/form-data; boundary=b" : "image/png"
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: \(type)\r\nContent-Length: 5000000\r\n\r\n")
            try client.send("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n")
            try client.send([UInt8](repeating: 1, count: 2_000_000))
            #expect(TestServer.eventually { !server.spooled.isEmpty })
            isForm ? client.abort() : client.close()
            #expect(TestServer.eventually { server.spooled.isEmpty && server.server.connectionCount == 0 })
        }
        #expect(server.log.withLock { $0.map(\.status) } == [499, 499])
    }

    /// ENOSPC and EDQUOT: not the server's fault, and said so.
    @Test(arguments: [(Int32(28), 507), (122, 507), (5, 500)]) func aFullSpoolIs507(_ code: Int32, _ status: Int) {
        let refusal = Refusal.storage(SystemCallError("write", code: code, subject: "/spool"))
        #expect(refusal.status.code == status)
        #expect(!(refusal.detail + refusal.hint).contains("spool"))
    }

    @Test func aMissingSpoolIsAStorageError() throws {
        var timeouts = Timeouts()
        timeouts.linger = .seconds(60)
        timeouts.lingerLimit = .seconds(60)
        let server = try TestServer(timeouts: timeouts, describe)
        removeDirectory(server.directory.path)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: 300_000))
        let response = try client.response()
        #expect(response.status == 500 && response.text == #"{"detail":"The upload could not be written to disk."}"#)
    }
}
