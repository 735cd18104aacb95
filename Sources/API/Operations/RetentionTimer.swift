import Basics
import Dispatch

/// Rings at once and then every hour, until it is stopped.
final class RetentionTimer: Sendable {
    private let timer = Lock<(any DispatchSourceTimer)?>(nil)

    func start(_ body: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "gmiseg.retention"))
        source.schedule(deadline: .now(), repeating: .seconds(3_600), leeway: .seconds(60))
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
