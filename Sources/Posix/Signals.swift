internal import Basics
import Dispatch
import Glibc

/// Signals as events.
package enum Signals {
    // Sources live as long as the process: a signal handler is never taken back.
    private static let sources = Lock<[any DispatchSourceSignal]>([])

    /// A write to a closed connection is then an error code instead of the process's end.
    package static func ignoreBrokenPipe() { signal(SIGPIPE, SIG_IGN) }

    /// Calls `body` on a queue of its own each time the process is asked to end by SIGTERM or SIGINT. No such signal is missed
    /// once this has returned.
    package static func onTermination(_ body: @escaping @Sendable () -> Void) { on([SIGTERM, SIGINT], body) }

    /// The same for SIGHUP, by which daemons are told to read their files again.
    package static func onHangUp(_ body: @escaping @Sendable () -> Void) { on([SIGHUP], body) }

    private static func on(_ numbers: [Int32], _ body: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "gmiseg.signals")
        for number in numbers {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            // Dispatch starts to watch on a thread of its own; a signal that came before would be ignored for good.
            let isWatched = DispatchSemaphore(value: 0)
            source.setRegistrationHandler { @Sendable in isWatched.signal() }
            source.setEventHandler { @Sendable in body() }
            source.activate()
            isWatched.wait()
            sources.withLock { $0.append(source) }
        }
    }
}
