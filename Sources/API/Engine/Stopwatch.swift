/// Named spans of one request, in milliseconds.
struct Stopwatch: Sendable {
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant
    private var laps: [(name: String, milliseconds: Double)] = []
    private let observe: @Sendable (_ name: String, _ seconds: Double) -> Void

    /// - Parameter observe: Told of each span as it ends.
    init(observe: @escaping @Sendable (_ name: String, _ seconds: Double) -> Void = { _, _ in }) {
        last = start
        self.observe = observe
    }

    /// Ends the span `name`, which began where the one before ended.
    mutating func lap(_ name: String) {
        let now = ContinuousClock.now
        laps.append((name, (now - last).milliseconds))
        observe(name, (now - last) / .seconds(1))
        last = now
    }

    /// `{"decode": 1.2, …, "total": 34.5}`.
    var members: [JSON.Member] {
        laps.map { JSON.Member($0.name, .rounded($0.milliseconds, places: 2)) }
            + [JSON.Member("total", .rounded((last - start).milliseconds, places: 2))]
    }
}

extension Duration {
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
