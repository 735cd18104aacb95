import Synchronization

/// Who goes first: what long work asks between two slices of an operation, so that short work need not wait for its end.
package protocol RightOfWay: Sendable {
    /// Whether somebody more urgent is at work or waits for the processor. Asked before every slice, so it must be cheap.
    var isClaimed: Bool { get }

    /// Returns when the caller may go on: at once while nobody claims the way.
    func giveWay()
}

extension Threads {
    @TaskLocal private static var current: (any RightOfWay)?

    /// Whom the work of this thread lets go first; nil: nobody.
    static var rightOfWay: (any RightOfWay)? { current }

    /// Runs `body`, all of whose operations let `others` go first between their slices.
    ///
    /// When is all that depends on it: each slice is computed once and whole, and none sees another's
    /// result. So the outcome is the same bit for bit, however often the work was held up.
    package static func givingWay<Result>(
        to others: any RightOfWay, _ body: () throws -> Result
    ) rethrows -> Result {
        try $current.withValue(others, operation: body)
    }

    /// Runs `body` with a count of the time that its operations have waited so far for those who go first, of all threads together.
    package static func countingWaits<Result>(_ body: (_ waited: () -> Duration) throws -> Result) rethrows -> Result {
        guard let current else { return try body { .zero } }
        let timed = TimedRightOfWay(current)
        return try $current.withValue(timed) { try body { timed.waited } }
    }
}

/// Another's right of way, and how long was waited for it.
private final class TimedRightOfWay: RightOfWay {
    private let other: any RightOfWay
    private let nanoseconds = Atomic<Int>(0)

    init(_ other: any RightOfWay) { self.other = other }

    var isClaimed: Bool { other.isClaimed }
    var waited: Duration { .nanoseconds(nanoseconds.load(ordering: .relaxed)) }

    func giveWay() {
        guard other.isClaimed else { return }
        let time = ContinuousClock().measure { other.giveWay() }
        nanoseconds.wrappingAdd(Int(time / .nanoseconds(1)), ordering: .relaxed)
    }
}
