import Basics
import Dispatch
import HTTP
import HTTPTypes
import Server
import TestSupport
import Testing

@Suite struct RequestTests {
    @Test func keepsAlive() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        for index in 0..<5 {
            try client.send("GET /\(index)?q HTTP/1.1\r\nHost: h\r\n\r\n")
            let response = try client.response()
            #expect(response.status == 200 && response.text == "GET /\(index)")
            #expect(response.fields["content-type"] == "text/plain; charset=utf-8")
            #expect(response.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(response.fields["connection"] == nil)
        }
    }

    @Test func answersPipelinedRequestsInOrder() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        let count = 500
        try client.send((0..<count).map { "POST /\($0) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab" }.joined())
        // Closing one half must not lose the answers that are due.
        client.finishSending()
        for index in 0..<count {
            #expect(try client.response().text == "POST /\(index) memory 2 ab")
        }
        #expect(try client.readToEnd().isEmpty)
    }

    @Test func survivesPipeliningOfLargeAnswers() throws {
        let body = [UInt8](repeating: 120, count: 100_000)
        let server = try TestServer(constant: Response(type: .text, bytes: body)) { _, reply in
            reply.send(Response(type: .text, bytes: body))
        }
        for path in ["/", "/constant"] {
            let client = try server.client()
            try client.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n", count: 300))
            for _ in 0..<300 { #expect(try client.response().body.count == 100_000) }
        }
    }

    /// Bodies that lie in the socket when reading begins, and so come faster than the spool takes them: wherever they end, they end.
    @Test func takesBodiesThatFillTheBacklog() throws {
        var timeouts = Timeouts()
        timeouts.bodyIdle = .seconds(5)
        let gate = DispatchSemaphore(value: 0)
        let server = try TestServer(timeouts: timeouts) { request, reply in
            if request.method == .get { gate.wait() }
            describe(request, reply)
        }
        for step in 0..<40 {
            let count = 500_000 + 16_384 * step
            let client = try server.client()
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let sent = DispatchSemaphore(value: 0)
            DispatchQueue(label: "sender").async { @Sendable in
                try? client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\n\r\n")
                try? client.send([UInt8](repeating: 1, count: count))
                sent.signal()
            }
            pause(milliseconds: 5)
            gate.signal()
            #expect(try client.response().status == 200)
            let answer = try client.response()
            #expect(answer.text == "POST / file \(count)")
            guard answer.status == 200 else { return }
            sent.wait()
        }
    }

    /// An answer that is encoded once differs in nothing from others, and keeps its place among them.
    @Test func constantAnswers() throws {
        let constant = Response(type: .text, bytes: Array("always".utf8), fields: [.eTag: "\"a\""])
        let server = try TestServer(constant: constant, describe)
        let client = try server.client()
        try client.send(
            "GET /constant HTTP/1.1\r\nHost: h\r\n\r\n" + "GET /other HTTP/1.1\r\nHost: h\r\n\r\n"
                + "HEAD /constant HTTP/1.1\r\nHost: h\r\n\r\n"
                + "GET /constant HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                + "GET /constant HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                + "traceparent: 00-\(String(repeating: "a", count: 32))-00f067aa0ba902b7-01\r\n\r\n")
        var answers = [try client.response(), try client.response(), try client.response(hasBody: false)]
        answers += [try client.response(), try client.response()]
        #expect(answers.map(\.text) == ["always", "GET /other", "", "always", "always"])
        for answer in [answers[0], answers[2], answers[3], answers[4]] {
            #expect(answer.status == 200 && answer.fields["content-length"] == "6" && answer.fields["etag"] == "\"a\"")
            #expect(answer.fields["content-type"] == "text/plain; charset=utf-8")
            #expect(answer.fields["date"]?.hasSuffix(" GMT") == true)
        }
        #expect(Set(answers.map { $0.fields["x-request-id"] ?? "" }).count == 5)
        #expect(answers[0].fields["connection"] == nil && answers[4].fields["connection"] == "close")
        #expect(answers[4].fields["traceresponse"]?.contains(answers[4].fields["x-request-id"] ?? "-") == true)
        #expect(try client.readToEnd().isEmpty)
        let entries = server.log.withLock { $0 }
        #expect(entries.map(\.route) == ["/constant", "a place", "/constant", "/constant", "/constant"])
        #expect(entries.map(\.id) == answers.map { $0.fields["x-request-id"] ?? "" })
        #expect(entries.map(\.requestBytes) == [0, 0, 0, 3, 0])
    }

    /// Old clients send one behind a body (RFC 9112 §2.2). It begins no request that could be too slow.
    @Test func emptyLinesBetweenRequestsAreNone() throws {
        var timeouts = Timeouts()
        timeouts.head = .milliseconds(100)
        let server = try TestServer(timeouts: timeouts, describe)
        let client = try server.client()
        for path in ["/first", "/second"] {
            try client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n\r")
            try client.send("\n")
            let answer = try client.response()
            #expect(answer.status == 200 && answer.text == "GET \(path)")
            pause(milliseconds: 300)
        }
        let statuses = server.log.withLock { $0.map(\.status) }
        #expect(statuses == [200, 200])
    }

    @Test func closesWhenAsked() throws {
        let server = try TestServer(describe)
        for request in ["GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
            let client = try server.client()
            try client.send(request)
            let response = try client.response()
            #expect(response.fields["connection"] == "close")
            #expect(try client.readToEnd().isEmpty)
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().fields["connection"] == "keep-alive")
        #expect(try client.response().status == 200)
    }

    @Test func headHasNoBody() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        try client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nGET /d HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response(hasBody: false).fields["content-length"] == "9")
        #expect(try client.response().text == "GET /d")
    }

    @Test(arguments: [10, 1_000, 300_000, 3_000_000]) func takesBodies(_ count: Int) throws {
        let server = try TestServer(describe)
        let client = try server.client()
        let kind = count > 262_144 ? "file" : "memory"
        let body = [UInt8](repeating: 97, count: count)
        let tail = count < 100 ? " " + String(decoding: body, as: UTF8.self) : ""
        try client.send("PUT /length HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\n\r\n")
        try client.send(body)
        #expect(try client.response().text == "PUT /length \(kind) \(count)\(tail)")
        try client.send("PUT /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in stride(from: 0, to: count, by: 70_000) {
            let size = min(70_000, count - start)
            try client.send(String(size, radix: 16) + "\r\n")
            try client.send([UInt8](repeating: 97, count: size))
            try client.send("\r\n")
        }
        try client.send("0\r\n\r\n")
        #expect(try client.response().text == "PUT /chunked \(kind) \(count)\(tail)")
        #expect(TestServer.eventually { server.spooled.isEmpty })
    }

    @Test func contentArrivesUnchanged() throws {
        let server = try TestServer { request, reply in
            guard case .content(let content) = request.body, let bytes = try? content.bytes() else { return }
            reply.send(Response(type: .octetStream, bytes: bytes))
        }
        var random = SeededRandom(seed: 7)
        for count in [0, 1, 262_144, 262_145, 1_000_001] {
            let client = try server.client()
            let body = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // `Content-Length: 0` has no body at all; one empty chunked body stands in for it.
            if count == 0 {
                try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            } else {
                try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(count)\r\n\r\n")
                try client.send(body)
            }
            #expect(try client.response().body == body)
        }
    }

    @Test func continues() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.response().status == 100)
        try client.send("ab")
        #expect(try client.response().text == "POST / memory 2 ab")
    }

    @Test func refusesBeforeTheBody() throws {
        let server = try TestServer(
            early: { $0.path == "/no" ? Response(.notFound, type: .text, bytes: Array("no".utf8)) : nil }, describe)
        let client = try server.client()
        // Without a body, the connection lives on.
        try client.send("GET /no HTTP/1.1\r\nHost: h\r\n\r\nGET /yes HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 404)
        #expect(try client.response().text == "GET /yes")
        try client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 404 && response.fields["connection"] == "close")
        #expect(try client.readToEnd().isEmpty)
    }

    @Test func cutsForms() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        let image = [UInt8](repeating: 13, count: 500_000)
        var body = Array("--b\r\nContent-Disposition: form-data; name=task\r\n\r\n{}\r\n".utf8)
        body += Array("--b\r\nContent-Disposition: form-data; name=image; filename=x.png\r\n\r\n".utf8) + image
        body += Array("\r\n--b--\r\n".utf8)
        for (framing, pieces) in [
            ("Content-Length: \(body.count)", [body]),
            (
                "Transfer-Encoding: chunked",
                [Array("\(String(body.count, radix: 16))\r\n".utf8), body, Array("\r\n0\r\n\r\n".utf8)]
            ),
        ] {
            try client.send(
                "POST /form HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n\(framing)\r\n\r\n")
            for piece in pieces { try client.send(piece) }
            #expect(try client.response().text == "POST /form; task - memory 2; image x.png file 500000")
        }
        #expect(TestServer.eventually { server.spooled.isEmpty })
    }

    @Test func manyPartsDoNotFillMemory() throws {
        var limits = Limits()
        limits.memoryThreshold = 1_000
        let server = try TestServer(limits: limits, describe)
        let client = try server.client()
        var body = ""
        for index in 0..<6 {
            body +=
                "--b\r\nContent-Disposition: form-data; name=p\(index)\r\n\r\n" + String(repeating: "x", count: 900)
                + "\r\n"
        }
        body += "--b--\r\n"
        try client.send(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                + body)
        let memory = (0..<4).map { "; p\($0) - memory 900" }.joined()
        #expect(try client.response().text == "POST /" + memory + "; p4 - file 900; p5 - file 900")
    }

    @Test func unixSocket() throws {
        let directory = try TemporaryDirectory()
        let server = try TestServer(listen: ["unix:" + directory.file("s.sock")]) { request, reply in
            reply.send(Response(type: .text, bytes: Array(request.peer.utf8)))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost:\r\n\r\n")
        #expect(try client.response().text == "unix:")
        server.server.stop()
        #expect(TestServer.eventually { listDirectory(directory.path).isEmpty })
    }

    static let hasIPv6 = (try? TestServer(listen: ["[::1]:0"], describe)) != nil

    @Test(.enabled(if: hasIPv6, "no IPv6 here")) func severalAddresses() throws {
        let server = try TestServer(listen: ["[::1]:0", "127.0.0.1:0"], describe)
        for index in 0...1 {
            let client = try server.client(index)
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().status == 200)
        }
    }
}
