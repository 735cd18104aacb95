import Basics
internal import CPosix
package import Dispatch

/// Calls a handler on a queue whenever there is input on a descriptor, as a Dispatch read source does, and does not crash.
///
/// One thread waits for all watched descriptors of the process, in one epoll instance, and puts the handlers on their queues: what
/// Dispatch does as well, with a fault that ends the process now and then when several threads make and end sources at the same time
/// (swift-corelibs-libdispatch#949). After each event the descriptor is not watched until its handler is done.
package final class InputWatch: @unchecked Sendable {
    fileprivate let descriptor: CInt
    fileprivate let queue: DispatchQueue
    // Invariant: touched on `queue` only.
    private var handler: (@Sendable () -> Void)?
    private var isPaused = false
    // Written once, by `init`.
    fileprivate var token: UInt64 = 0

    /// Input that is there already is told.
    ///
    /// - Parameters:
    ///   - descriptor: Stays open until `cancel`, which has to come: the watch lives so long.
    ///   - handler: Called on `queue`.
    package init(_ descriptor: CInt, on queue: DispatchQueue, handler: @escaping @Sendable () -> Void)
        throws(SystemCallError)
    {
        self.descriptor = descriptor
        self.queue = queue
        self.handler = handler
        try InputWatcher.shared.add(self)
    }

    /// Ends it: the handler is not called again, and the descriptor may be closed. Call on the queue.
    package func cancel() {
        dispatchPrecondition(condition: .onQueue(queue))
        guard handler != nil else { return }
        handler = nil
        InputWatcher.shared.remove(self)
    }

    /// Tells of no input for a while. Call on the queue, from the handler.
    package func pause(for time: DispatchTimeInterval) {
        dispatchPrecondition(condition: .onQueue(queue))
        isPaused = true
        queue.asyncAfter(deadline: .now() + time) { @Sendable [self] in
            isPaused = false
            resume()
        }
    }

    fileprivate func tell() {
        queue.async { @Sendable [self] in
            handler?()
            if !isPaused { resume() }
        }
    }

    private func resume() {
        if handler != nil { InputWatcher.shared.resume(self) }
    }
}

/// The thread that waits for everybody.
private final class InputWatcher: Sendable {
    static let shared = InputWatcher()

    private struct State {
        /// -1 until somebody is watched, or as long as the system has no descriptor left.
        var epoll: CInt = -1
        var watches: [UInt64: InputWatch] = [:]
        var next: UInt64 = 0
    }

    private let state = Lock(State())

    private init() {}

    func add(_ watch: InputWatch) throws(SystemCallError) {
        let error = state.withLock { state -> SystemCallError? in
            if state.epoll < 0 {
                state.epoll = cposix_epoll_create()
                guard state.epoll >= 0 else { return .last("epoll_create") }
                run(state.epoll)
            }
            // A descriptor's number may soon be another's: events are told apart by tokens, none of which comes twice.
            watch.token = state.next
            state.next += 1
            guard cposix_epoll_add_once(state.epoll, watch.descriptor, watch.token) == 0 else {
                return .last("epoll_ctl")
            }
            // The thread looks it up behind the same lock.
            state.watches[watch.token] = watch
            return nil
        }
        if let error { throw error }
    }

    func resume(_ watch: InputWatch) {
        _ = cposix_epoll_again(state.withLock { $0.epoll }, watch.descriptor, watch.token)
    }

    func remove(_ watch: InputWatch) {
        state.withLock { state in
            _ = cposix_epoll_remove(state.epoll, watch.descriptor)
            state.watches[watch.token] = nil
        }
    }

    private func run(_ epoll: CInt) {
        // A queue of its own, whose only work never ends, is a thread.
        DispatchQueue(label: "gmiseg.input", qos: .userInteractive).async { @Sendable [self] in
            withUnsafeTemporaryAllocation(of: cposix_event.self, capacity: 64) { events in
                while true {
                    let count = cposix_epoll_wait(epoll, events.baseAddress, CInt(events.count), -1)
                    for index in 0..<max(0, Int(count)) {
                        state.withLock { $0.watches[events[index].token] }?.tell()
                    }
                }
            }
        }
    }
}
