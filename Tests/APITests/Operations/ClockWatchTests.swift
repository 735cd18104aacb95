import API
import Testing

@Suite struct ClockWatchTests {
    private static let day = Duration.seconds(86_400)

    /// Whether the clock is believed when `wall` days have passed by it, and `running` days in truth.
    private static func trust(_ times: [(wall: Double, running: Double)]) -> [Bool] {
        var watch = ClockWatch(span: day * 30)
        return times.map { watch.isTrusted(wall: day * $0.wall, running: day * $0.running) }
    }

    @Test func believesAClockThatRuns() {
        #expect(Self.trust([(20_000, 0), (20_001, 1), (20_400, 400)]) == [true, true, true])
        // Off by less than a tenth of the span.
        #expect(Self.trust([(20_000, 0), (20_003, 0.5), (20_004, 1.5)]) == [true, true, true])
    }

    /// A machine that started in the past is put right: what it made before is kept for the whole span from then on.
    @Test func holdsWhatSeemsOldSinceTheClockWasSetAhead() {
        #expect(
            Self.trust([(100, 0), (101, 1), (20_000, 1.1), (20_029, 30), (20_031, 31.2), (20_032, 32)])
                == [true, true, false, false, true, true])
    }

    @Test func believesAClockThatWasSetAheadByMistake() {
        #expect(Self.trust([(20_000, 0), (20_365, 0.1), (20_000.2, 0.2)]) == [true, false, true])
        // One that was set back is believed, and not when it is put right.
        #expect(Self.trust([(20_000, 0), (100, 0.1), (20_000.2, 0.2)]) == [true, true, false])
    }
}
