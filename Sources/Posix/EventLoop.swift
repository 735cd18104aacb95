internal import CPosix
package import Dispatch
import Glibc

/// What has become possible on a descriptor since it was last told.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: UInt32(CPOSIX_READABLE))
    package static let writable = Readiness(rawValue: UInt32(CPOSIX_WRITABLE))
    /// The peer has closed its sending half; bytes may still be there to read.
    package static let inputEnded = Readiness(rawValue: UInt32(CPOSIX_INPUT_ENDED))
    package static let failed = Readiness(rawValue: UInt32(CPOSIX_FAILED))
}

/// Owner of a descriptor on an event loop.
package protocol EventHandler: AnyObject {
    /// Edge-triggered: told once, until a transfer would block again. Called on the loop's queue.
    func ready(_ readiness: Readiness)
}

/// One serial queue, and the readiness of any number of descriptors on it.
///
/// The descriptors sit in one epoll instance, and Dispatch watches that: one wake-up serves all that is due, and a request on a
/// connection costs no system call beyond its read and its write. (A Dispatch source per connection re-arms its descriptor after
/// every event, which takes a system call and a pass through Dispatch's manager thread each time.)
package final class EventLoop: @unchecked Sendable {
    package let queue: DispatchQueue
    // Invariant: everything below is touched on `queue` only, but for `epoll`, which never changes.
    private let epoll: CInt
    private var handlers: [UInt64: any EventHandler] = [:]
    private var nextToken: UInt64 = 0
    private var source: (any DispatchSourceRead)?
    private var timer: (any DispatchSourceTimer)?
    private let events: UnsafeMutableBufferPointer<cposix_event>

    /// The time at which the events being handled were fetched; good enough for timeouts.
    package private(set) var now = MonotonicTime.now

    private static let current = DispatchSpecificKey<ObjectIdentifier>()
    private static let capacity = 256
    // Rounds of polling before other work on the queue gets its turn.
    private static let rounds = 32

    package init(label: String) throws(SystemCallError) {
        queue = DispatchQueue(label: label)
        epoll = cposix_epoll_create()
        guard epoll >= 0 else { throw .last("epoll_create") }
        events = .allocate(capacity: Self.capacity)
        events.initialize(repeating: cposix_event())
        let source = DispatchSource.makeReadSource(fileDescriptor: epoll, queue: queue)
        source.setEventHandler { @Sendable [weak self] in self?.poll() }
        let epoll = epoll
        source.setCancelHandler { @Sendable in _ = Glibc.close(epoll) }
        self.source = source
        queue.setSpecific(key: Self.current, value: ObjectIdentifier(self))
        source.activate()
    }

    /// Whether the caller runs on the loop's queue.
    package var isCurrent: Bool { DispatchQueue.getSpecific(key: Self.current) == ObjectIdentifier(self) }

    deinit {
        timer?.cancel()
        source?.cancel()
        events.deallocate()
    }

    /// Runs `body` on the loop's queue.
    package func execute(_ body: @escaping @Sendable () -> Void) {
        queue.async { @Sendable [self] in
            now = .now
            body()
        }
    }

    /// Watches `descriptor` until `remove`; the loop keeps `handler` alive so long. Readiness that is there already is told.
    package func add(_ descriptor: CInt, _ handler: any EventHandler) throws(SystemCallError) -> UInt64 {
        dispatchPrecondition(condition: .onQueue(queue))
        nextToken += 1
        guard cposix_epoll_add(epoll, descriptor, nextToken) == 0 else { throw .last("epoll_ctl") }
        handlers[nextToken] = handler
        return nextToken
    }

    /// Call before the descriptor is closed.
    package func remove(_ descriptor: CInt, _ token: UInt64) {
        dispatchPrecondition(condition: .onQueue(queue))
        handlers[token] = nil
        _ = cposix_epoll_remove(epoll, descriptor)
    }

    /// Calls `body` on the queue every `interval`, loosely, until `stopTicking`.
    package func tick(every interval: Duration, _ body: @escaping @Sendable () -> Void) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard timer == nil else { return }
        let timer = DispatchSource.makeTimerSource(queue: queue)
        let nanoseconds = Int(clamping: interval.wholeNanoseconds)
        timer.schedule(
            deadline: .now() + .nanoseconds(nanoseconds), repeating: .nanoseconds(nanoseconds),
            leeway: .nanoseconds(nanoseconds / 4))
        timer.setEventHandler { @Sendable [weak self] in
            self?.now = .now
            body()
        }
        self.timer = timer
        timer.activate()
    }

    package func stopTicking() {
        dispatchPrecondition(condition: .onQueue(queue))
        timer?.cancel()
        timer = nil
    }

    private func poll() {
        for _ in 0..<Self.rounds {
            let count = Int(cposix_epoll_poll(epoll, events.baseAddress, CInt(Self.capacity)))
            guard count > 0 else { return }
            now = .now
            for event in events[0..<count] {
                // Gone when an earlier event of this round removed it.
                handlers[event.token]?.ready(Readiness(rawValue: event.bits))
            }
        }
    }
}
