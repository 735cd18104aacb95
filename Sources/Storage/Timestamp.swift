import Basics
import Glibc

/// A moment: whole milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Kept as an integer in the database: exact, sortable, and nothing to parse.
package struct Timestamp: Sendable, Hashable, Comparable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (one: Timestamp, other: Timestamp) -> Bool { one.milliseconds < other.milliseconds }

    /// Seconds from `earlier` to this moment; negative when the clock was set back.
    package func seconds(since earlier: Timestamp) -> Double {
        (Double(milliseconds) - Double(earlier.milliseconds)) / 1_000
    }

    /// The moment in UTC as on the wire, such as `2026-11-23T06:25:00.123Z` (RFC 3339 §5.6).
    package var rfc3339: String {
        let (days, ofDay) = floorDivide(Int(milliseconds), by: 86_400_000)
        let date = CivilDate(daysSince1970: days)
        let (seconds, fraction) = ofDay.quotientAndRemainder(dividingBy: 1_000)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
            + "\(padded(seconds / 3_600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
            + ".\(padded(fraction, 3))Z"
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Where the time comes from; tests put their own in.
package struct WallClock: Sendable {
    package let now: @Sendable () -> Timestamp

    package init(now: @escaping @Sendable () -> Timestamp) { self.now = now }

    /// The machine's clock.
    package static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
