/// Tells when the machine's clock was set ahead while the process ran, so that what was made before looks older than it is.
///
/// A machine without network may start months in the past and be put right later: by its clock all that was made in between has expired.
package struct ClockWatch {
    private let span: Duration
    /// The wall clock less the running time, as it was last believed.
    private var offset: Duration?
    /// The running time at which everything made before the clock was set ahead has been kept for the span.
    private var heldUntil: Duration?

    /// - Parameter span: How long things are kept: a clock that was set ahead by less than a tenth of it does little harm.
    package init(span: Duration) { self.span = span }

    /// Whether ages by the wall clock can be believed.
    ///
    /// - Parameters:
    ///   - wall: Since any fixed moment, by the clock that can be set.
    ///   - running: Since any fixed moment, by one that cannot.
    package mutating func isTrusted(wall: Duration, running: Duration) -> Bool {
        let now = wall - running
        let believed = offset ?? now
        if now - believed > span / 10 {
            let until = heldUntil ?? running + span
            heldUntil = until
            guard running >= until else { return false }
            offset = now
        } else {
            // One that was set back and is put right later is ahead of what was made in between.
            offset = min(believed, now)
        }
        heldUntil = nil
        return true
    }
}
