import Basics
import Dispatch
import Glibc
import HTTP
import HTTPTypes
import Posix
import Server
import TestSupport
import Testing

@Suite struct ResponseTests {
    @Test func sendsFiles() throws {
        let directory = try TemporaryDirectory()
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try writeFile(directory.file("f"), bytes.span)
        let path = directory.file("f")
        let server = try TestServer { request, reply in
            let range: Range<Int>? = request.path == "/part" ? 10..<20 : nil
            guard let file = try? FileSlice(path: path, range: range) else { return }
            reply.send(Response(body: .file(file)))
        }
        let client = try server.client()
        try client.send(
            "GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /part HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().body == bytes)
        #expect(try client.response(hasBody: false).fields["content-length"] == "3000000")
        #expect(try client.response().body == Array(bytes[10..<20]))
    }

    /// Each file that waits holds a descriptor: a client that asks for many and takes none is served no further.
    @Test func opensNoMoreFilesThanAreTaken() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("f")
        let bytes = [UInt8](repeating: 7, count: 3_000_000)
        try writeFile(path, bytes.span)
        let opened = Lock(0)
        let server = try TestServer { _, reply in
            guard let file = try? FileSlice(path: path) else { return }
            opened.withLock { $0 += 1 }
            reply.send(Response(body: .file(file)))
        }
        let client = try server.client()
        let count = 40
        try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: count))
        pause(milliseconds: 300)
        // Those that wait, and what the buffers of the two sockets took.
        #expect(opened.withLock { $0 } < 15)
        for _ in 0..<count { #expect(try client.response().body == bytes) }
        #expect(opened.withLock { $0 } == count)
    }

    @Test func streams() throws {
        let server = try TestServer { request, reply in
            reply.begin(.ok, [.contentType: "text/event-stream"])
            for index in 0..<3 { reply.write(Array("data: \(index)\n\n".utf8)) }
            reply.write([])
            reply.finish()
            reply.write([1])  // ignored
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.0\r\n\r\n")
        let response = try client.response()
        #expect(response.fields["transfer-encoding"] == "chunked")
        #expect(response.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n")
        #expect(try client.response(hasBody: false).fields["transfer-encoding"] == "chunked")
        let old = try client.response()
        #expect(old.fields["transfer-encoding"] == nil && old.fields["connection"] == "close")
        #expect(old.text == response.text)
    }

    @Test func streamedBytesArriveAtOnce() throws {
        let writers = Lock<[ResponseWriter]>([])
        let server = try TestServer { _, reply in
            // Kept before the client can have seen anything and have it let go.
            writers.withLock { $0.append(reply) }
            reply.begin(.ok, [:])
            reply.write(Array("first".utf8))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        while try client.readLine() != "" {}
        #expect(try client.readLine() == "5" && client.readLine() == "first")
        // Let go in the middle: the client must not take what it has for the whole.
        writers.withLock { $0.removeAll() }
        #expect(try client.readToEnd().isEmpty)
        #expect(server.log.withLock { $0.map(\.isComplete) } == [false])
    }

    /// Whoever wants to hear of the client's leaving may hold the writer: after the end nothing of them is kept.
    @Test func aStreamThatHasEndedIsLetGo() throws {
        final class Listener: Sendable {}
        struct Weak: Sendable { weak let listener: Listener? }
        let kept = Lock<[Weak]>([])
        let server = try TestServer { _, reply in
            let listener = Listener()
            kept.withLock { $0.append(Weak(listener: listener)) }
            reply.begin(.ok, [:])
            reply.onClientGone { withExtendedLifetime((listener, reply)) {} }
            reply.finish()
        }
        let client = try server.client()
        for _ in 0..<2 {
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try client.response().text.isEmpty)
        }
        // Both, though the connection is still open.
        #expect(TestServer.eventually { kept.withLock { $0.count == 2 && $0.allSatisfy { $0.listener == nil } } })
        #expect(server.server.connectionCount == 1)
    }

    @Test func writersLearnOfClientsThatGo() throws {
        let gone = DispatchSemaphore(value: 0)
        let lost = DispatchSemaphore(value: 0)
        let server = try TestServer { _, reply in
            reply.onClientGone {
                gone.signal()
                reply.write([1]) { wasSent in
                    // The first write after the end may still be taken by the system, if the reset is not there yet.
                    if !wasSent { lost.signal() } else { reply.write([2]) { if !$0 { lost.signal() } } }
                }
            }
            reply.begin(.ok, [:])
            reply.write(Array("x".utf8))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        while try client.readLine() != "" {}
        client.abort()
        #expect(gone.wait(timeout: .now() + 60) == .success)
        #expect(lost.wait(timeout: .now() + 60) == .success)
    }

    @Test func aClientThatOnlyFinishedSendingIsStillAnswered() throws {
        let told = DispatchSemaphore(value: 0)
        let server = try TestServer { _, reply in
            reply.onClientGone { told.signal() }
            #expect(told.wait(timeout: .now() + 60) == .success)
            reply.send(Response(.accepted))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        client.finishSending()
        #expect(try client.response().status == 202)
    }

    @Test func completionsTellOfEachWrite() throws {
        let sent = DispatchSemaphore(value: 0)
        let server = try TestServer { _, reply in
            reply.begin(.ok, [:])
            for _ in 0..<20 {
                reply.write([UInt8](repeating: 65, count: 300_000)) { if $0 { sent.signal() } }
                guard sent.wait(timeout: .now() + 60) == .success else { return }
            }
            reply.finish()
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().body.count == 6_000_000)
    }

    @Test func aSecondAnswerIsIgnored() throws {
        let server = try TestServer { _, reply in
            reply.send(Response(.accepted))
            reply.send(Response(.ok))
            reply.begin(.ok, [:])
            reply.finish()
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 202)
        #expect(try client.response().status == 202)
    }

    /// More requests than handlers may run at once: the rest waits, uploads go on arriving, and all are answered.
    @Test func requestsWaitForAHandler() throws {
        let mayAnswer = DispatchSemaphore(value: 0)
        let running = Lock(0)
        let server = try TestServer { request, reply in
            running.withLock { $0 += 1 }
            mayAnswer.wait()
            describe(request, reply)
        }
        let clients = try (0..<20).map { _ in try server.client() }
        for client in clients {
            try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n")
            try client.send([UInt8](repeating: 1, count: 300_000))
        }
        #expect(TestServer.eventually { running.withLock { $0 } == 16 && server.spooled.count == 20 })
        for _ in clients { mayAnswer.signal() }
        for client in clients { #expect(try client.response().text == "POST / file 300000") }
    }

    @Test func drains() throws {
        let started = DispatchSemaphore(value: 0)
        let mayAnswer = DispatchSemaphore(value: 0)
        let drained = DispatchSemaphore(value: 0)
        let server = try TestServer { request, reply in
            if request.path == "/slow" {
                started.signal()
                mayAnswer.wait()
            }
            describe(request, reply)
        }
        let idle = try server.client()
        try idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try idle.response().status == 200)
        let busy = try server.client()
        try busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        started.wait()
        server.server.drain { drained.signal() }
        #expect(try idle.readToEnd().isEmpty)
        #expect(throws: LoopbackClient.Failure.self) { try server.client() }
        #expect(drained.wait(timeout: .now() + .milliseconds(50)) == .timedOut)
        mayAnswer.signal()
        let response = try busy.response()
        #expect(response.text == "GET /slow" && response.fields["connection"] == "close")
        busy.close()
        #expect(drained.wait(timeout: .now() + 60) == .success)
    }

    /// As systemd's: it goes on listening between one server and the next, so that clients who come then wait and are served.
    @Test func aSocketThatWasLentOutlivesTheServer() throws {
        let socket = try Socket.listening(on: Address("127.0.0.1:0"))
        let (raw, address) = (socket.raw, socket.localAddress)
        func serve() throws -> TestServer {
            try TestServer(listen: [], inherited: [.init(raw: dup(raw))], describe)
        }
        let drained = DispatchSemaphore(value: 0)
        let first = try serve()
        #expect(first.addresses == [address])
        first.server.drain { drained.signal() }
        #expect(drained.wait(timeout: .now() + 60) == .success)
        let early = try first.client()
        try early.send("GET /early HTTP/1.1\r\nHost: h\r\n\r\n")
        let second = try serve()
        #expect(try early.response().text == "GET /early")
        withExtendedLifetime(second) {}
        socket.stopListening()
    }

    @Test func drainingEndsInTime() throws {
        var timeouts = Timeouts()
        timeouts.drain = .milliseconds(100)
        let drained = DispatchSemaphore(value: 0)
        let kept = Lock<[ResponseWriter]>([])
        let server = try TestServer(timeouts: timeouts) { _, reply in kept.withLock { $0.append(reply) } }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(TestServer.eventually { kept.withLock { !$0.isEmpty } })
        server.server.drain { drained.signal() }
        #expect(drained.wait(timeout: .now() + 60) == .success)
        #expect(try client.readToEnd().isEmpty)
        kept.withLock { $0.removeAll() }
    }

    @Test func logs() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try client.send(
            "POST /a%20b?secret HTTP/1.1\r\nHost: h\r\nTraceparent: \(trace)\r\nContent-Length: 3\r\n\r\nabc")
        let response = try client.response()
        try client.send("nonsense\r\n\r\n")
        #expect(try client.response().status == 400)
        let entries = server.log.withLock { $0 }
        let entry = try #require(entries.first)
        #expect(entry.method == "POST" && entry.route == "a place" && entry.status == 200 && entry.requestBytes == 3)
        #expect(entry.responseBytes > response.body.count && entry.isComplete && entry.duration > .zero)
        #expect(entry.peer.hasPrefix("127.0.0.1:") && entry.number == 1)
        // The client can name the request as the log does, and find it in its own trace.
        #expect(response.fields["x-request-id"] == entry.id && entry.id.utf8.count == 16)
        #expect(entry.trace?.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(response.fields["traceresponse"] == "00-0af7651916cd43dd8448eb211c80319c-\(entry.id)-01")
        #expect(entries.last?.route == "-" && entries.last?.status == 400 && entries.last?.id != entry.id)
    }

    /// Random bytes and damaged requests against a live server: it must go on serving.
    @Test func survivesNonsense() throws {
        let server = try TestServer(describe)
        var random = SeededRandom(seed: 11)
        let form =
            "POST /f HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 70\r\n\r\n"
            + "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n123456789\r\n--b--\r\n"
        for _ in 0..<200 {
            var bytes = Array(form.utf8)
            for _ in 0..<3 { bytes[random.index(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            let client = try server.client()
            try client.send(Array(bytes[..<random.index(below: bytes.count)]))
            if random.index(below: 2) == 0 { client.abort() } else { client.finishSending() }
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 200)
        client.close()
        #expect(TestServer.eventually { server.server.connectionCount == 0 && server.spooled.isEmpty })
    }
}
