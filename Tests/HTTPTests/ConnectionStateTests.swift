import HTTP
import HTTPTypes
import Testing

@Suite struct ConnectionStateTests {
    func head(_ text: String) throws -> RequestHead {
        try #require(parse([Array((text + "\r\n\r\n").utf8)]).requests.first).head
    }

    @Test func keepsAlive() throws {
        var state = ConnectionState()
        for _ in 0..<3 {
            #expect(state.phase == .idle && state.wantsInput && !state.mayAnswer)
            state.requestBegan()
            #expect(state.phase == .head)
            #expect(state.headArrived(try head("GET / HTTP/1.1\r\nHost: h")) == .none)
            state.requestEnded()
            #expect(state.phase == .answering && !state.wantsInput && state.mayAnswer)
            let answer = state.answerBegins(status: .ok, length: 5)
            #expect(answer.framing == .length(5) && answer.connection == nil && answer.sendsBody)
            #expect(!state.mayAnswer)
            #expect(state.answerEnds() == .readRequest)
        }
    }

    /// Of an empty line nothing is left: the connection is between requests, and may close.
    @Test func anEmptyLineIsNoRequest() throws {
        var state = ConnectionState()
        state.requestBegan()
        state.requestVanished()
        #expect(state.phase == .idle && state.wantsInput && !state.mayAnswer)
        state.requestBegan()
        _ = state.headArrived(try head("GET / HTTP/1.1\r\nHost: h"))
        state.requestVanished()
        #expect(state.phase == .body)
        var idle = ConnectionState()
        idle.requestBegan()
        idle.requestVanished()
        let mayClose = idle.drain()
        #expect(mayClose)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let request: String
        let status: Int
        let length: Int?
        let framing: ResponseFraming
        let connection: String?
        let sendsBody: Bool
        let next: ConnectionState.Next
        var testDescription: String { "\(request.split(separator: "\r\n").joined(separator: " | ")) → \(status)" }
    }

    @Test(arguments: [
        Row(
            request: "HEAD / HTTP/1.1\r\nHost: h", status: 200, length: 5, framing: .length(5), connection: nil,
            sendsBody: false,
            next: .readRequest),
        Row(
            request: "GET / HTTP/1.1\r\nHost: h", status: 204, length: 5, framing: .none, connection: nil,
            sendsBody: false,
            next: .readRequest),
        Row(
            request: "GET / HTTP/1.1\r\nHost: h", status: 304, length: nil, framing: .none, connection: nil,
            sendsBody: false,
            next: .readRequest),
        Row(
            request: "GET / HTTP/1.1\r\nHost: h", status: 200, length: nil, framing: .chunked, connection: nil,
            sendsBody: true,
            next: .readRequest),
        Row(
            request: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close", status: 200, length: 1, framing: .length(1),
            connection: "close", sendsBody: true, next: .linger),
        Row(
            request: "GET / HTTP/1.0", status: 200, length: 1, framing: .length(1), connection: "close",
            sendsBody: true,
            next: .linger),
        Row(
            request: "GET / HTTP/1.0\r\nConnection: keep-alive", status: 200, length: 1, framing: .length(1),
            connection: "keep-alive", sendsBody: true, next: .readRequest),
        Row(
            request: "GET / HTTP/1.0\r\nConnection: keep-alive", status: 200, length: nil, framing: .untilClose,
            connection: "close", sendsBody: true, next: .linger),
    ]) func frames(_ row: Row) throws {
        var state = ConnectionState()
        state.requestBegan()
        _ = state.headArrived(try head(row.request))
        state.requestEnded()
        let answer = state.answerBegins(status: .init(code: row.status), length: row.length)
        #expect(
            answer.framing == row.framing && answer.connection == row.connection && answer.sendsBody == row.sendsBody)
        #expect(state.answerEnds() == row.next)
    }

    static let upload = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\nExpect: 100-continue"

    @Test func continues() throws {
        var state = ConnectionState()
        state.requestBegan()
        #expect(state.headArrived(try head(Self.upload)) == .sendContinueAndReadBody)
        #expect(state.phase == .body && state.wantsInput)
    }

    @Test func anAnswerBeforeTheBodyIsTheLast() throws {
        var state = ConnectionState()
        state.requestBegan()
        _ = state.headArrived(try head(Self.upload))
        #expect(state.answerBegins(status: .contentTooLarge, length: 0).connection == "close")
        #expect(!state.wantsInput)
        #expect(state.answerEnds() == .linger)
        #expect(state.phase == .lingering)
        #expect(state.inputDidEnd() == .none)
    }

    @Test func aFailedRequestIsTheLast() {
        var state = ConnectionState()
        state.requestBegan()
        state.requestFailed()
        #expect(state.mayAnswer)
        #expect(state.answerBegins(status: .badRequest, length: 0).connection == "close")
        #expect(state.answerEnds() == .linger)
    }

    @Test func endOfInput() throws {
        var idle = ConnectionState()
        #expect(idle.inputDidEnd() == .linger)
        var inHead = ConnectionState()
        inHead.requestBegan()
        #expect(inHead.inputDidEnd() == .linger)
        var inBody = ConnectionState()
        inBody.requestBegan()
        _ = inBody.headArrived(try head(Self.upload))
        #expect(inBody.inputDidEnd() == .linger)
        var answering = ConnectionState()
        answering.requestBegan()
        _ = answering.headArrived(try head("GET / HTTP/1.1\r\nHost: h"))
        answering.requestEnded()
        #expect(answering.inputDidEnd() == .clientGone)
        #expect(answering.inputDidEnd() == .none)
        #expect(answering.answerBegins(status: .ok, length: 0).connection == "close")
        #expect(answering.answerEnds() == .linger)
    }

    @Test func drains() throws {
        var idle = ConnectionState()
        #expect(idle.drain() && idle.phase == .lingering)
        var busy = ConnectionState()
        busy.requestBegan()
        _ = busy.headArrived(try head("GET / HTTP/1.1\r\nHost: h"))
        busy.requestEnded()
        let closes = busy.drain()
        #expect(!closes)
        #expect(busy.answerBegins(status: .ok, length: 0).connection == "close")
        #expect(busy.answerEnds() == .linger)
    }
}
