/// How long a client may keep a connection waiting.
package struct Timeouts: Sendable, Equatable {
    /// From a connection's start to its first byte.
    package var start = Duration.seconds(15)
    /// From a connection's start to the end of its TLS handshake.
    package var handshake = Duration.seconds(10)
    /// From a request's first byte to the end of its head.
    package var head = Duration.seconds(15)
    /// Between two pieces of a body.
    package var bodyIdle = Duration.seconds(30)
    /// Between two requests.
    package var keepAlive = Duration.seconds(75)
    /// Without the client taking a byte of an answer.
    package var write = Duration.seconds(60)
    /// After the last answer, for the client to close its side: without a byte, as one that is still sending has not read it yet.
    package var linger = Duration.seconds(2)
    /// The same in all, however much still comes.
    package var lingerLimit = Duration.seconds(30)
    /// For requests under way when the server is asked to end.
    package var drain = Duration.seconds(30)

    package init() {}

    /// How often to look: often enough for the shortest to be kept within a quarter.
    var tick: Duration {
        let shortest = min(start, handshake, head, bodyIdle, keepAlive, write, linger, lingerLimit)
        return min(max(shortest / 4, .milliseconds(10)), .seconds(1))
    }
}
