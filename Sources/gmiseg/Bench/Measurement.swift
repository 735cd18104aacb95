import Foundation
import Posix

/// What a benchmark prints: the median of several rounds, and the process's peak memory.
struct Measurement: BenchReport {
    /// What was timed: `encoder`, `click`, `step`, `start`.
    let bench: String
    let model: String
    let precision: String
    let threads: Int
    let rounds: Int
    /// Median wall time of a round.
    let seconds: Double
    /// Best wall time of a round: what the machine can do when it is left alone.
    let secondsBest: Double
    /// Largest resident set of the process so far, in MiB; pages of mapped weights that were read are in it. Nil when
    /// another process did the work. Not getrusage's: a process begins with the peak of the one that started it.
    let peakRSSMB: Double?
    /// Whether the weights were random: the speed is the same, the masks mean nothing.
    let randomWeights: Bool
    /// Prompts of a round, where there may be more than one.
    let prompts: Int?

    enum CodingKeys: String, CodingKey {
        case bench, model, precision, threads, rounds, seconds, prompts
        case secondsBest = "seconds_best"
        case peakRSSMB = "peak_rss_mb"
        case randomWeights = "random_weights"
    }

    /// - Parameters:
    ///   - samples: Wall time of each round in seconds; not empty.
    ///   - isThisProcess: Whether it was this process that worked, so that its memory means something.
    init(
        bench: String, model: String, precision: Precision = .f32, threads: Int, samples: [Double], randomWeights: Bool,
        prompts: Int? = nil, isThisProcess: Bool = true
    ) {
        let times = Percentiles(samples)
        self.bench = bench
        self.model = model
        self.precision = precision.rawValue
        self.threads = threads
        self.rounds = samples.count
        self.seconds = times.median
        self.secondsBest = times[0]
        self.peakRSSMB = isThisProcess ? ProcessMemory.peakBytes.map { Double($0) / 1_048_576 } : nil
        self.randomWeights = randomWeights
        self.prompts = prompts
    }

    var sentence: String {
        let milliseconds = String(format: "%.1f ms (best %.1f)", seconds * 1e3, secondsBest * 1e3)
        let memory = peakRSSMB.map { String(format: ", peak memory %.0f MB", $0) } ?? ""
        return "\(bench) \(model) \(precision): \(milliseconds), median of \(rounds), \(threads) threads\(memory)"
    }
}

/// Order statistics of some measurements.
struct Percentiles {
    private let ordered: [Double]

    /// - Parameter samples: Not empty.
    init(_ samples: [Double]) {
        precondition(!samples.isEmpty, "statistics of nothing")
        ordered = samples.sorted()
    }

    var median: Double { (ordered[(ordered.count - 1) / 2] + ordered[ordered.count / 2]) / 2 }

    /// The smallest value that at least `share` of the samples do not exceed; the least of all for 0.
    subscript(share: Double) -> Double {
        ordered[min(ordered.count - 1, max(0, Int((share * Double(ordered.count)).rounded(.up)) - 1))]
    }
}

/// Wall time of each of `rounds` runs of `body` in seconds, after one that is not counted (it fills caches and packs weights).
func timed(rounds: Int, _ body: () throws -> Void) rethrows -> [Double] {
    try body()
    return try (0..<rounds).map { _ in try seconds(body) }
}

/// Wall time of `body` in seconds.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
}
