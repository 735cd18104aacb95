internal import CPosix
package import Dispatch
import Glibc
import Synchronization

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
    /// Everybody who was ready has been told: time to send what there is to send. Answers that go out one right after the other wake
    /// clients fewer times than each at the end of its own work.
    func settle()
}

/// One serial queue, and the readiness of any number of descriptors on it.
///
/// The descriptors sit in one epoll instance, which is itself watched (``InputWatch``): one wake-up serves all that is due, and a request on a
/// connection costs no system call beyond its read and its write. (A watch or a Dispatch source per connection re-arms its descriptor after
/// every event, which takes a system call and a pass through another thread each time.)
///
/// While there is traffic the queue's thread itself waits for the next event, for a millisecond at a time: a wake-up by way of the watch
/// takes two changes of thread, which cost more than a short request does. Whoever puts work on the queue meanwhile wakes it.
package final class EventLoop: @unchecked Sendable {
    package let queue: DispatchQueue
    // Invariant: everything below is touched on `queue` only, but for `epoll`, which never changes.
    private let epoll: CInt
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var watch: InputWatch?
    private var timer: (any DispatchSourceTimer)?
    private let events: UnsafeMutableBufferPointer<cposix_event>
    // Shared by all threads. Whoever adds work counts it and then looks whether the queue waits; the queue says that it waits and then
    // looks at the count: one of them sees the other.
    private let wake: CInt
    private let waitingWork = Atomic(0)
    private let isWaiting = Atomic(false)

    /// The time at which the events being handled were fetched; good enough for timeouts.
    package private(set) var now = MonotonicTime.now

    /// Room for one descriptor's owner. A token is a slot's index and how often the slot was given away before, so that an event that was
    /// fetched for one owner never reaches the next.
    private struct Slot {
        var generation: UInt32
        var handler: (any EventHandler)?
    }

    // The token of the descriptor that only wakes.
    private static let nobody = UInt64.max
    private static let capacity = 256
    // How long the queue's thread waits for the next event before it is given back.
    private static let patienceMilliseconds: CInt = 1
    // After so long timers on the queue get their turn.
    private static let turn = Duration.milliseconds(5)

    package init(label: String) throws(SystemCallError) {
        queue = DispatchQueue(label: label)
        epoll = cposix_epoll_create()
        guard epoll >= 0 else { throw .last("epoll_create") }
        wake = cposix_eventfd()
        guard wake >= 0, cposix_epoll_add(epoll, wake, Self.nobody) == 0 else {
            let error = SystemCallError.last("eventfd")
            if wake >= 0 { _ = Glibc.close(wake) }
            _ = Glibc.close(epoll)
            throw error
        }
        events = .allocate(capacity: Self.capacity)
        events.initialize(repeating: cposix_event())
        do throws(SystemCallError) {
            watch = try InputWatch(epoll, on: queue) { @Sendable [weak self] in self?.poll() }
        } catch {
            _ = Glibc.close(epoll)
            _ = Glibc.close(wake)
            throw error
        }
    }

    deinit {
        timer?.cancel()
        events.deallocate()
        guard let watch else { return }
        let (epoll, wake) = (epoll, wake)
        // The last reference may have gone on any thread.
        queue.async { @Sendable in
            watch.cancel()
            _ = Glibc.close(epoll)
            _ = Glibc.close(wake)
        }
    }

    /// Runs `body` on the loop's queue.
    package func execute(_ body: @escaping @Sendable () -> Void) {
        waitingWork.add(1, ordering: .sequentiallyConsistent)
        queue.async { @Sendable [self] in
            waitingWork.subtract(1, ordering: .sequentiallyConsistent)
            now = .now
            body()
        }
        if isWaiting.load(ordering: .sequentiallyConsistent) { cposix_eventfd_signal(wake) }
    }

    /// Watches `descriptor` until `remove`; the loop keeps `handler` alive so long. Readiness that is there already is told.
    package func add(_ descriptor: CInt, _ handler: any EventHandler) throws(SystemCallError) -> UInt64 {
        dispatchPrecondition(condition: .onQueue(queue))
        let index = freeSlots.last ?? slots.count
        let generation = index < slots.count ? slots[index].generation : 0
        let token = UInt64(generation) << 32 | UInt64(index)
        guard cposix_epoll_add(epoll, descriptor, token) == 0 else { throw .last("epoll_ctl") }
        if index < slots.count {
            freeSlots.removeLast()
            slots[index].handler = handler
        } else {
            slots.append(Slot(generation: generation, handler: handler))
        }
        return token
    }

    /// Call before the descriptor is closed.
    package func remove(_ descriptor: CInt, _ token: UInt64) {
        dispatchPrecondition(condition: .onQueue(queue))
        _ = cposix_epoll_remove(epoll, descriptor)
        let index = Int(token & 0xFFFF_FFFF)
        slots[index] = Slot(generation: slots[index].generation &+ 1)
        freeSlots.append(index)
    }

    /// Who has the token; nil when an earlier event of this round removed it.
    private func handler(_ token: UInt64) -> (any EventHandler)? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
        return slots[index].handler
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
        let began = MonotonicTime.now
        repeat {
            var count = next(patience: 0)
            if count == 0 {
                isWaiting.store(true, ordering: .sequentiallyConsistent)
                if !hasWork { count = next(patience: Self.patienceMilliseconds) }
                isWaiting.store(false, ordering: .sequentiallyConsistent)
            }
            guard count > 0 else { return }
            now = .now
            for event in events[0..<count] { handler(event.token)?.ready(Readiness(rawValue: event.bits)) }
            for event in events[0..<count] { handler(event.token)?.settle() }
        } while !hasWork && now.since(began) < Self.turn
    }

    private var hasWork: Bool { waitingWork.load(ordering: .sequentiallyConsistent) > 0 }

    /// How many events there are, the first of them in at most so many milliseconds. None, too, when a signal came between.
    private func next(patience milliseconds: CInt) -> Int {
        max(0, Int(cposix_epoll_wait(epoll, events.baseAddress, CInt(Self.capacity), milliseconds)))
    }
}
