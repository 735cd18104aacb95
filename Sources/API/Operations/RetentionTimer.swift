import Basics
import Dispatch
import Posix
import Storage

/// Rings at once and then every hour, or more often where things are kept for a short time, until it is stopped; not while the
/// machine's clock cannot be believed (``ClockWatch``).
final class RetentionTimer: Sendable {
    private let timer = Lock<(any DispatchSourceTimer)?>(nil)

    /// - Parameters:
    ///   - span: How long things are kept: none for more than a quarter longer.
    ///   - onDoubt: Told once when the clock was set ahead.
    func start(
        _ span: Duration, clock: WallClock, onDoubt: @escaping @Sendable () -> Void,
        _ body: @escaping @Sendable () -> Void
    ) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "gmiseg.retention"))
        let seconds = Int(min(3_600, max(1, span.seconds / 4)))
        source.schedule(deadline: .now(), repeating: .seconds(seconds), leeway: .seconds(seconds / 60))
        let start = ContinuousClock.now
        let watch = Lock((clock: ClockWatch(span: span), isInDoubt: false))
        source.setEventHandler { @Sendable in
            let (wall, running) = (Duration.milliseconds(clock.now().milliseconds), ContinuousClock.now - start)
            let (isTrusted, isNew) = watch.withLock { watch in
                let isTrusted = watch.clock.isTrusted(wall: wall, running: running)
                defer { watch.isInDoubt = !isTrusted }
                return (isTrusted, !isTrusted && !watch.isInDoubt)
            }
            if isNew { onDoubt() }
            if isTrusted { body() }
        }
        timer.withLock { $0 = source }
        source.activate()
    }

    func stop() {
        timer.withLock { timer in
            timer?.cancel()
            timer = nil
        }
    }
}
