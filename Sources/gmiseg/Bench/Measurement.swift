import Foundation

/// What a benchmark prints: the median of several rounds, and the process's peak memory.
struct Measurement: Encodable {
    /// What was timed: `encoder`, `click`, `step`.
    let bench: String
    let model: String
    let precision: String
    let threads: Int
    let rounds: Int
    /// Median wall time of a round.
    let seconds: Double
    /// Best wall time of a round: what the machine can do when it is left alone.
    let secondsBest: Double
    /// Largest resident set of the process so far (getrusage), in MiB.
    let peakRSSMB: Double
    /// Whether the weights were random: the speed is the same, the masks mean nothing.
    let randomWeights: Bool

    enum CodingKeys: String, CodingKey {
        case bench, model, precision, threads, rounds, seconds
        case secondsBest = "seconds_best"
        case peakRSSMB = "peak_rss_mb"
        case randomWeights = "random_weights"
    }

    /// - Parameter samples: Wall time of each round in seconds; not empty.
    init(bench: String, model: String, precision: String, threads: Int, samples: [Double], randomWeights: Bool) {
        let ordered = samples.sorted()
        self.bench = bench
        self.model = model
        self.precision = precision
        self.threads = threads
        self.rounds = samples.count
        self.seconds = (ordered[(ordered.count - 1) / 2] + ordered[ordered.count / 2]) / 2
        self.secondsBest = ordered[0]
        self.peakRSSMB = Self.peakResidentMegabytes()
        self.randomWeights = randomWeights
    }

    /// One line of JSON, keys sorted.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// One line for people.
    var sentence: String {
        let milliseconds = String(format: "%.1f ms (best %.1f)", seconds * 1e3, secondsBest * 1e3)
        let memory = String(format: "%.0f MB", peakRSSMB)
        return
            "\(bench) \(model) \(precision): \(milliseconds), median of \(rounds), \(threads) threads, peak memory \(memory)"
    }

    private static func peakResidentMegabytes() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1024  // Linux counts kilobytes: getrusage(2)
    }
}

/// Wall time of each of `rounds` runs of `body` in seconds, after one that is not counted (it fills caches and packs weights).
func timed(rounds: Int, _ body: () throws -> Void) rethrows -> [Double] {
    try body()
    return try (0..<rounds).map { _ in
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
