package import Posix

/// Tells a slow client from one that only pretends to go on: whoever sends or takes bytes must on average keep a least rate, after a
/// time of grace. Pure; time is passed in.
package struct PaceKeeper: Sendable {
    private var began: MonotonicTime
    private var bytes = 0

    package init(now: MonotonicTime) { began = now }

    package mutating func moved(_ count: Int) { bytes += count }

    /// Time that passed for another reason than the client's slowness.
    package mutating func excuse(_ duration: Duration) { began = began + duration }

    /// When the client will have been too slow, if nothing moves any more.
    package func deadline(grace: Duration, bytesPerSecond: Int) -> MonotonicTime {
        began + grace + .seconds(Double(bytes) / Double(max(1, bytesPerSecond)))
    }

    /// When it will have taken too long, however fast it is.
    package func deadline(grace: Duration, whole: Duration) -> MonotonicTime { began + grace + whole }
}
