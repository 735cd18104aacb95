package import HTTPTypes

/// What an HTTP/1.1 connection may do next (RFC 9112 §9): one request at a time, in order, with answers that may come before
/// the request's body has ended.
///
/// Pure: each call tells what has happened and gets what to do. Pipelined requests need no state here, since their bytes simply
/// wait, unread, until the answer before them has been written.
package struct ConnectionState: Sendable {
    package enum Phase: Sendable, Equatable {
        /// Between requests: nothing of the next one has arrived.
        case idle
        case head
        case body
        /// The request is complete, its answer is not.
        case answering
        /// Nothing more will be sent; what still arrives is thrown away, so that closing does not destroy the last answer on its
        /// way (RFC 9112 §9.6).
        case lingering
        case closed
    }

    package enum HeadAction: Sendable, Equatable {
        case readBody
        /// Send `100 Continue`, then read the body.
        case sendContinueAndReadBody
        /// There is no body.
        case none
    }

    package enum Next: Sendable, Equatable {
        /// Wait for, or go on with, the next request.
        case readRequest
        /// Write out what is pending, then close; input may still be on its way.
        case linger
        /// Nothing to do at this time.
        case wait
    }

    package enum EndAction: Sendable, Equatable {
        /// Write out what is pending, then close.
        case linger
        /// The client will send no more: tell whoever works for it. An answer is still worth sending, it may only have closed
        /// its sending half.
        case clientGone
        case none
    }

    package private(set) var phase = Phase.idle
    private var version = HTTPVersion.http11
    private var clientKeepsAlive = true
    private var method = HTTPRequest.Method.get
    private var isDraining = false
    private var inputEnded = false
    private var answerStarted = false
    private var mustClose = false

    package init() {}

    /// Whether bytes may be read and parsed now. Not while an answer is due: that is what keeps pipelined answers in order, and
    /// what keeps a fast client from filling memory.
    package var wantsInput: Bool {
        switch phase {
        case .idle, .head, .body: !inputEnded && !answerStarted
        case .answering, .lingering, .closed: false
        }
    }

    /// Whether an answer may still be begun for the current request.
    package var mayAnswer: Bool {
        switch phase {
        case .head, .body, .answering: !answerStarted
        case .idle, .lingering, .closed: false
        }
    }

    /// The first byte of a request has arrived.
    package mutating func requestBegan() {
        if phase == .idle { phase = .head }
    }

    /// It was none: empty lines, which are passed over between requests (RFC 9112 §2.2).
    package mutating func requestVanished() {
        if phase == .head { phase = .idle }
    }

    package mutating func headArrived(_ head: RequestHead) -> HeadAction {
        version = head.version
        method = head.request.method
        clientKeepsAlive = head.keepsAlive
        phase = .body
        guard head.framing.hasBody else { return .none }
        return head.expectsContinue ? .sendContinueAndReadBody : .readBody
    }

    package mutating func requestEnded() {
        if phase == .body { phase = .answering }
    }

    /// The request cannot be read further (malformed, too large, too slow): its answer will be the connection's last.
    /// - Parameter begun: The method of a request of which no more than the first line was understood; nil: not even that, or all of its head.
    package mutating func requestFailed(_ begun: HTTPRequest.Method? = nil) {
        mustClose = true
        // Its answer has no body either (RFC 9110 §9.3.2).
        if let begun { method = begun }
    }

    /// An answer begins.
    /// - Parameter length: Bytes of its body; nil for a stream.
    /// - Returns: How to frame it, the `Connection` option to send, and whether the body's bytes are to be sent at all.
    package mutating func answerBegins(status: HTTPResponse.Status, length: Int?)
        -> (framing: ResponseFraming, connection: String?, sendsBody: Bool)
    {
        answerStarted = true
        if phase != .answering { mustClose = true }  // the rest of the request's body would be taken for a new request
        var framing: ResponseFraming
        var sendsBody = method != .head
        switch (status.code, length) {
        case (204, _), (304, _), (100..<200, _): (framing, sendsBody) = (.none, false)
        case (_, let length?): framing = .length(length)
        case (_, nil) where version == .http10:
            framing = .untilClose
            if sendsBody { mustClose = true }
        case (_, nil): framing = .chunked
        }
        if isDraining || inputEnded || !clientKeepsAlive { mustClose = true }
        let connection = mustClose ? "close" : version == .http10 ? "keep-alive" : nil
        return (framing, connection, sendsBody)
    }

    /// The answer's last byte has been handed over for writing.
    package mutating func answerEnds() -> Next {
        guard answerStarted, phase != .closed, phase != .lingering else { return .wait }
        if mustClose || isDraining || inputEnded {
            phase = .lingering
            return .linger
        }
        phase = .idle
        answerStarted = false
        method = .get
        return .readRequest
    }

    /// The client closed its sending half.
    package mutating func inputDidEnd() -> EndAction {
        guard !inputEnded else { return .none }
        inputEnded = true
        switch phase {
        case .body where answerStarted, .answering: return .clientGone
        case .idle, .head, .body:
            phase = .lingering
            return .linger
        case .lingering, .closed: return .none
        }
    }

    /// No further requests are wanted. True: there is none under way, and the connection may close once what is pending is
    /// written.
    package mutating func drain() -> Bool {
        isDraining = true
        guard phase == .idle else { return false }
        phase = .lingering
        return true
    }

    package mutating func close() { phase = .closed }
}
