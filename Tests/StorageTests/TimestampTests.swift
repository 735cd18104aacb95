import Basics
import Foundation
import Storage
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_795_415_100_123, "2026-11-23T06:25:00.123Z"),
    ])
    func spellsTheMoment(_ milliseconds: Int, _ expected: String) {
        #expect(Timestamp(milliseconds: Int64(milliseconds)).rfc3339 == expected)
    }

    @Test func agreesWithFoundation() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        formatter.timeZone = TimeZone(identifier: "UTC")
        var random = SeededRandom(seed: 7)
        for _ in 0..<2_000 {
            // From 1700 to 2400; Foundation turns to the Julian calendar before 1582.
            let second = Int64(random.index(below: 22_089_888_000)) - 8_520_336_000
            let date = Date(timeIntervalSince1970: Double(second))
            #expect(Timestamp(milliseconds: second * 1_000).rfc3339 == formatter.string(from: date))
        }
    }

    @Test func survivesAnyNumber() {
        #expect(Timestamp(milliseconds: .min).rfc3339.hasSuffix("Z"))
        #expect(Timestamp(milliseconds: .max).rfc3339.hasSuffix("Z"))
        #expect(Timestamp(milliseconds: .max).seconds(since: Timestamp(milliseconds: .min)) > 1e16)
    }

    @Test func systemClockRunsForward() {
        let first = WallClock.system.now()
        #expect(first.milliseconds > 1_700_000_000_000)
        #expect(WallClock.system.now() >= first)
    }
}
