import Basics
import Dispatch
import HTTP
import HTTPTypes
import Posix
import Server
import TestSupport
import Testing

/// Clients that pretend to go on, and floods.
@Suite struct SlowClientTests {
    /// A byte now and then keeps an idle timeout from ending, but not the least rate.
    @Test func bodiesThatTrickleAreCutOff() throws {
        var timeouts = Timeouts()
        timeouts.bodyIdle = .milliseconds(200)
        let server = try TestServer(timeouts: timeouts, describe)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        var sent = 0
        while server.log.withLock({ $0.isEmpty }), sent < 6_000 {
            do { try client.send("x") } catch { break }
            sent += 1
            pause(milliseconds: 10)
        }
        #expect(server.log.withLock { $0.first?.status } == 408)
    }

    /// A body holds room: it must be able to end within an hour, and here within a second. One in chunks, too, which a burst buys no more
    /// time than others have.
    @Test(arguments: [
        ("Content-Length: 1000000000\r\n\r\n", String(repeating: "x", count: 4_096)),
        (
            "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + String(repeating: "x", count: 1 << 20) + "\r\n",
            "1\r\nx\r\n"
        ),
    ]) func longBodiesMustComeFaster(_ start: String, _ piece: String) throws {
        var limits = Limits()
        limits.transferTime = .seconds(1)
        var timeouts = Timeouts()
        timeouts.bodyIdle = .milliseconds(200)
        let server = try TestServer(
            limits: limits, timeouts: timeouts, resources: { Resources(disk: nil, memory: nil) }, describe)
        let client = try server.client()
        try client.send("POST / HTTP/1.1\r\nHost: h\r\n" + start)
        var sent = 0
        while server.log.withLock({ $0.isEmpty }), sent < 6_000 {
            do { try client.send(piece) } catch { break }
            sent += 1
            pause(milliseconds: 10)
        }
        #expect(server.log.withLock { $0.first?.status } == 408)
    }

    private static let unwantedUpload = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"

    /// Whoever goes on with an upload for twice as long as the server lingers still gets to read why it was refused.
    @Test func anUploadIsReadOnUntilItsAnswerIs() throws {
        var timeouts = Timeouts()
        timeouts.linger = .seconds(1)
        let server = try TestServer(timeouts: timeouts, early: { _ in Response(.notFound) }, describe)
        func upload() throws -> Int {
            let client = try server.client()
            try client.send(Self.unwantedUpload)
            for _ in 0..<100 {
                try client.send("x")
                pause(milliseconds: 20)
            }
            return try client.response().status
        }
        // On a machine that stalls for a second the client is rightly given up: it may try again.
        #expect((0..<5).contains { _ in (try? upload()) == 404 })
    }

    @Test func anUploadIsNotReadOnForEver() throws {
        var timeouts = Timeouts()
        timeouts.linger = .seconds(600)
        timeouts.lingerLimit = .milliseconds(200)
        let server = try TestServer(timeouts: timeouts, early: { _ in Response(.notFound) }, describe)
        let client = try server.client()
        try client.send(Self.unwantedUpload)
        var isOver = false
        for _ in 0..<6_000 where !isOver {
            do { try client.send("x") } catch { isOver = true }
            pause(milliseconds: 10)
        }
        #expect(isOver)
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
    }

    /// One that reads a little now and then does not hold its answer in memory for ever.
    @Test func answersThatAreSippedAreCutOff() throws {
        var timeouts = Timeouts()
        timeouts.write = .milliseconds(300)
        var limits = Limits()
        limits.minimumRate = 1 << 30
        let server = try TestServer(limits: limits, timeouts: timeouts) { _, reply in
            reply.send(Response(body: .bytes([UInt8](repeating: 1, count: 64 << 20))))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        var (isOver, wasReset) = (false, false)
        for _ in 0..<6_000 where !isOver {
            do { isOver = try client.read().isEmpty } catch { (isOver, wasReset) = (true, true) }
            pause(milliseconds: 10)
        }
        // Not as if the answer had come to its end.
        #expect(wasReset)
        #expect(TestServer.eventually { server.server.connectionCount == 0 })
        #expect(server.log.withLock { $0.map(\.isComplete) }.count == 1)
    }

    /// A large answer in memory must be gone within the time that a transfer may take, however little of it is taken at a time; the same from
    /// a file takes no memory, and may come as slowly as it likes.
    @Test func largeAnswersInMemoryMustBeTakenFaster() throws {
        var timeouts = Timeouts()
        timeouts.write = .milliseconds(300)
        var limits = Limits()
        limits.transferTime = .seconds(1)
        let server = try TestServer(limits: limits, timeouts: timeouts) { _, reply in
            reply.send(Response(body: .bytes([UInt8](repeating: 1, count: 256 << 20))))
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        var isOver = false
        for _ in 0..<6_000 where !isOver {
            do { isOver = try client.read().isEmpty } catch { isOver = true }
            pause(milliseconds: 10)
        }
        #expect(isOver)
        #expect(server.log.withLock { $0.map(\.isComplete) }.count == 1)
    }

    /// Beyond what may wait in memory for all clients together there are no more large answers, but for what a request has changed.
    @Test func answersThatNobodyTakesAreNotPiledUp() throws {
        var limits = Limits()
        limits.unsentBytes = 1 << 20
        var timeouts = Timeouts()
        timeouts.write = .seconds(600)
        let server = try TestServer(limits: limits, timeouts: timeouts) { request, reply in
            let body = [UInt8](repeating: 1, count: request.path == "/small" ? 1_000 : 32 << 20)
            reply.send(Response(request.path == "/made" ? .created : .ok, body: .bytes(body)))
        }
        func answer(_ request: String) throws -> LoopbackClient.Response {
            let client = try server.client()
            try client.send("\(request) HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            return try client.response()
        }
        /// A client that has got the beginning of a large answer, and leaves the rest where it is.
        func hold() throws -> LoopbackClient {
            var client = try server.client()
            let isHeld = try TestServer.eventually {
                client = try server.client()
                try client.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                return try client.readLine() == "HTTP/1.1 200 OK"
            }
            try #require(isHeld)
            return client
        }
        let slow = try hold()
        #expect(try answer("GET /large").status == 503)
        let refused = try answer("POST /large")
        #expect(refused.status == 503 && refused.fields["retry-after"] == "5")
        #expect(try answer("GET /small").status == 200)
        #expect(try answer("POST /made").body.count == 32 << 20)
        // The room comes back with what is taken, and with those who go.
        #expect(try slow.readToEnd().count > 32 << 20)
        let next = try hold()
        #expect(try answer("GET /large").status == 503)
        next.abort()
        #expect(try TestServer.eventually { try answer("GET /large").status == 200 })
    }

    @Test func aSteadyClientHasAllTheTimeItNeeds() {
        func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: UInt64((1_000 + seconds) * 1e9)) }
        var pace = PaceKeeper(now: at(0))
        func deadline() -> MonotonicTime { pace.deadline(grace: .seconds(30), bytesPerSecond: 1_024) }
        #expect(deadline() == at(30))
        pace.moved(1_024 * 100)
        #expect(deadline() == at(130))
        // While we could not take its bytes, it is not slow.
        pace.excuse(.seconds(7))
        #expect(deadline() == at(137))
        pace.moved(.max / 2)
        #expect(deadline() > at(1e9))
    }

    @Test func requestsBeyondTheQueueAreTurnedAway() throws {
        let gate = DispatchSemaphore(value: 0)
        var limits = Limits()
        limits.waitingRequests = 0
        let server = try TestServer(limits: limits) { request, reply in
            gate.wait()
            describe(request, reply)
        }
        let client = try server.client()
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        let response = try client.response()
        #expect(response.status == 503 && response.fields["retry-after"] == "1")
        // The connection lives on.
        try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try client.response().status == 503)
    }

    @Test func namesOfRequestsAreAllDifferent() throws {
        let server = try TestServer(describe)
        let client = try server.client()
        var names: Set<String> = []
        for _ in 0..<500 {
            try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            names.insert(try client.response().fields["x-request-id"] ?? "")
        }
        #expect(names.count == 500)
    }
}
