import Dispatch
import Posix

/// Tells systemd twice in each interval that it sets (WatchdogSec=) that the process is not stuck.
final class Watchdog {
    private let timer: (any DispatchSourceTimer)?

    init() {
        guard let interval = ServiceManager.watchdogInterval else {
            timer = nil
            return
        }
        let nanoseconds = Int(clamping: (interval / 2).wholeNanoseconds)
        let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "gmiseg.watchdog"))
        timer.schedule(deadline: .now(), repeating: .nanoseconds(nanoseconds))
        timer.setEventHandler { @Sendable in ServiceManager.notify("WATCHDOG=1") }
        timer.activate()
        self.timer = timer
    }

    func stop() { timer?.cancel() }
}
