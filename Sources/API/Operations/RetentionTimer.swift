import Basics
import Dispatch
import Posix

/// Rings at once and then every hour, or more often where things are kept for a short time, until it is stopped.
final class RetentionTimer: Sendable {
    private let timer = Lock<(any DispatchSourceTimer)?>(nil)

    /// - Parameter span: How long things are kept: none for more than a quarter longer.
    func start(_ span: Duration, _ body: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "gmiseg.retention"))
        let seconds = Int(min(3_600, max(1, span.seconds / 4)))
        source.schedule(deadline: .now(), repeating: .seconds(seconds), leeway: .seconds(seconds / 60))
        source.setEventHandler { @Sendable in body() }
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
