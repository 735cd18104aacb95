import Basics
package import HTTPTypes

/// What a connection and the writer of one answer share.
final class ReplyState: Sendable {
    struct State {
        var isClaimed = false
        var isStreaming = false
        var isGone = false
        var onGone: (@Sendable () -> Void)?
    }

    let state = Lock(State())

    func clientHasGone() {
        let callback = state.withLock { state -> (@Sendable () -> Void)? in
            state.isGone = true
            defer { state.onGone = nil }
            return state.onGone
        }
        callback?()
    }

    /// True for the first caller only.
    func claim(streaming: Bool = false) -> Bool {
        state.withLock { state in
            guard !state.isClaimed else { return false }
            state.isClaimed = true
            state.isStreaming = streaming
            return true
        }
    }

    /// Whether the stream was open; it is not any more, and nobody is told of its client. Whoever wanted to be may hold the writer, which
    /// holds this: it would keep the connection for ever.
    func endStream() -> Bool {
        let (wasStreaming, callback) = state.withLock { state in
            defer { (state.isStreaming, state.onGone) = (false, nil) }
            return (state.isStreaming, state.onGone)
        }
        withExtendedLifetime(callback) {}  // let go without the lock, which a writer's end takes
        return wasStreaming
    }

    var isStreaming: Bool { state.withLock { $0.isStreaming } }
}

/// Answers one request, once, from any thread: either `send`, or `begin`, `write`..., `finish`. Later calls are ignored.
///
/// Dropped without an answer, it answers 500; dropped in the middle of a stream, it breaks the stream off, so that the client
/// does not take a part for the whole.
package final class ResponseWriter: Sendable {
    private let connection: Connection
    private let number: UInt64
    private let reply: ReplyState

    init(_ connection: Connection, number: UInt64, reply: ReplyState) {
        self.connection = connection
        self.number = number
        self.reply = reply
    }

    deinit {
        let (connection, number) = (connection, number)
        if reply.claim() {
            connection.perform { $0.refuse(.unanswered, number) }
        } else if reply.endStream() {
            connection.perform { $0.breakStream(number) }
        }
    }

    /// The whole answer.
    package func send(_ response: Response) {
        guard reply.claim() else { return }
        let number = number
        connection.perform { $0.answer(response, number) }
    }

    /// Starts an answer whose length is not known: chunked, or until the connection closes for an HTTP/1.0 client.
    package func begin(_ status: HTTPResponse.Status, _ fields: HTTPFields) {
        guard reply.claim(streaming: true) else { return }
        let number = number
        connection.perform { $0.beginStream(status, fields, number) }
    }

    /// Sends bytes of a stream that was begun.
    /// - Parameter completion: Called when the system has taken them (true), or the client has gone (false). Waiting for it before
    ///   writing on keeps a slow client from filling memory; a stream that runs far ahead of its client is broken off.
    package func write(_ bytes: [UInt8], then completion: (@Sendable (Bool) -> Void)? = nil) {
        guard reply.isStreaming else {
            completion?(false)
            return
        }
        let number = number
        connection.perform { $0.writeStream(bytes, completion, number) }
    }

    /// Ends a stream that was begun.
    package func finish() {
        guard reply.endStream() else { return }
        let number = number
        connection.perform { $0.endStream(number) }
    }

    /// Calls `body` when the client closes its side before the answer is complete; at once if it has. It may still read an
    /// answer, but none is likely to be missed. One callback at a time.
    package func onClientGone(_ body: @escaping @Sendable () -> Void) {
        let isGone = reply.state.withLock { state in
            if !state.isGone { state.onGone = body }
            return state.isGone
        }
        if isGone { body() }
    }
}
