import HTTP
import Posix

/// One event loop with the connections that live on it.
final class Shard: @unchecked Sendable {
    // Invariant: after `init`, everything is touched on the loop's queue only.
    let loop: EventLoop
    let context: ServerContext
    /// Where every connection of the shard reads to: what it does not use at once, it copies.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var isDraining = false
    private var dateText = ""
    private var dateExpires = MonotonicTime(nanoseconds: 0)

    init(label: String, context: ServerContext) throws(SystemCallError) {
        self.context = context
        loop = try EventLoop(label: label)
    }

    deinit { readBuffer.deallocate() }

    /// The Date field's text, made once a second.
    var date: String {
        if dateExpires <= loop.now {
            let time = CalendarClock.now
            dateText = HTTPDate.format(secondsSince1970: time.seconds)
            dateExpires = loop.now + .nanoseconds(1_000_000_000 - time.nanoseconds)
        }
        return dateText
    }

    /// Takes a connection over; it has been counted.
    func add(_ connection: Connection) {
        do {
            connections[ObjectIdentifier(connection)] = connection
            try connection.start()
            // A connection that is refused may be gone again.
            if !connections.isEmpty { loop.tick(every: context.timeouts.tick) { [weak self] in self?.tick() } }
            if isDraining { connection.drain() }
        } catch {
            connection.close()
        }
    }

    func remove(_ connection: Connection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        if connections.isEmpty { loop.stopTicking() }
        context.census.left(from: connection.host, isRefused: connection.isRefused)
    }

    private func tick() {
        for connection in connections.values { connection.checkDeadline() }
    }

    func drain() {
        isDraining = true
        for connection in connections.values { connection.drain() }
    }

    func closeAll() {
        for connection in connections.values { connection.close() }
    }
}
