/// How much of everything one client may send. Whatever lies beyond is refused with a status that says so.
package struct Limits: Sendable, Equatable {
    /// Bytes of a request's head: request line and fields, with their line ends. Beyond: 431.
    package var headBytes = 32_768
    /// Bytes of the request target. Beyond: 414.
    package var targetBytes = 8_192
    /// Fields in a head, and again in a trailer section. Beyond: 431.
    package var fieldCount = 100
    /// Bytes of a body once chunked coding is taken off. Beyond: 413.
    package var bodyBytes = 1 << 30
    /// Parts of a multipart body: a task of 512 examples has 1 026. Beyond: 413.
    package var parts = 1_028
    /// Bytes of one part's head. Beyond: 413.
    package var partHeadBytes = 8_192
    /// Bytes of a body or part that are kept in memory; anything longer goes to a file. All the parts of a request together
    /// keep at most four times as much.
    package var memoryThreshold = 262_144
    /// Connections open at once, over all addresses. Beyond: 503.
    package var connections = 2_048

    /// Connections open at once from one address of another machine, or from one /64 of IPv6; a proxy on this one speaks for many.
    /// Beyond: closed.
    package var connectionsPerAddress = 256
    /// Requests that may wait for a handler. Beyond: 503.
    package var waitingRequests = 1_024
    /// Bytes a second that a client must send of a body, and take of an answer, on average. Below: cut off.
    package var minimumRate = 1_024
    /// In which a body of any length must be able to end: until then it holds the room on the disk that was set aside for it. And in which an
    /// answer that is held in memory must have been taken.
    package var transferTime = Duration.seconds(3_600)
    /// Bytes of answers that may wait in memory for clients to take them, of all connections together. Beyond: 503 in place of a large answer.
    package var unsentBytes = 256 << 20
    /// Bytes of disk that stay free whatever clients send, for the database and for what is under way. Beyond: 507 or 503.
    package var diskReserve = 64 << 20
    /// Bytes of memory that stay free for the same reason. Beyond: 503.
    package var memoryReserve = 64 << 20

    // Descriptors that connections leave to files on their way, listeners, the database, and clients that are being turned away.
    private static let otherDescriptors = 256

    package init() {}

    /// The same with no more connections than a process that may have so many descriptors can hold; where they are few, with half as many.
    package func fitting(descriptors: Int) -> Limits {
        var limits = self
        limits.connections = min(connections, max(descriptors / 2, descriptors - Self.otherDescriptors))
        return limits
    }

    /// Bytes a second, on average, below which the sender of a body is cut off: more than `minimumRate` for one that says it is long.
    package func leastRate(of framing: BodyFraming) -> Int {
        guard case .length(let length) = framing else { return minimumRate }
        return leastRate(ofBytes: length)
    }

    /// Bytes a second, on average, below which the client is cut off that takes an answer of so many bytes from memory.
    package func leastRate(ofBytes count: Int) -> Int {
        max(minimumRate, count / max(1, Int(transferTime.components.seconds)))
    }
}
