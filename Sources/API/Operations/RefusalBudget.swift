package import Storage

/// How many of those who are turned away get a line of their own in a minute.
package struct RefusalBudget: Sendable {
    private let perMinute: Int
    private var minute: Int64 = 0
    private var count = 0

    package init(perMinute: Int = 120) { self.perMinute = perMinute }

    /// Counts one more.
    /// - Returns: Whether it gets a line, and how many of an earlier minute had none.
    package mutating func take(at time: Timestamp) -> (isWritten: Bool, omitted: Int) {
        var omitted = 0
        let now = time.milliseconds / 60_000
        if now != minute {
            omitted = max(0, count - perMinute)
            (minute, count) = (now, 0)
        }
        count += 1
        return (count <= perMinute, omitted)
    }
}
