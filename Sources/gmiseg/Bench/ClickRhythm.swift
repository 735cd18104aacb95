import API
import Client
import Foundation

/// Clicks one after the other, as somebody impatient makes them, without and with a job beside them.
struct ClickRhythm {
    struct Result: BenchReport {
        let bench: String
        let model: String
        let threads: Int
        /// Of each kind.
        let clicks: Int
        let idleMedian: Double
        let idleP95: Double
        let busyMedian: Double
        let busyP95: Double
        /// `busyP95 / idleP95`.
        let ratio: Double
        /// How far the job came while it was clicked beside it.
        let steps: Int
        let stepsPerSecond: Double

        enum CodingKeys: String, CodingKey {
            case bench, model, threads, clicks, steps
            case idleMedian = "idle_p50_ms"
            case idleP95 = "idle_p95_ms"
            case busyMedian = "busy_p50_ms"
            case busyP95 = "busy_p95_ms"
            case ratio = "p95_ratio"
            case stepsPerSecond = "steps_per_second"
        }

        var sentence: String {
            String(
                format: "click %@: p50 %.1f ms, p95 %.1f ms idle; p50 %.1f ms, p95 %.1f ms during a job "
                    + "(p95 %.2f times), %d clicks each, %d threads, %.2f steps a second meanwhile",
                model, idleMedian, idleP95, busyMedian, busyP95, ratio, clicks, threads, stepsPerSecond)
        }
    }

    let client: Client
    let requests: BenchRequests
    /// Between an answer and the next click: time in which a job gets going again, so that a click finds it at work.
    private let pause = 0.05

    /// - Parameter count: Clicks of each kind; those without a job come half before it and half after it, as speeds drift.
    func measure(count: Int, model: String, threads: Int) throws -> Result {
        let click = try requests.click(by: client)
        _ = try times(click, count: 5)
        var idle = try times(click, count: count / 2)
        let job = try requests.createEndlessTask(by: client)
        let before = try waitForTraining(job)
        let start = ContinuousClock.now
        let busy = try times(click, count: count)
        let after = try step(of: job)
        let duration = (ContinuousClock.now - start) / .seconds(1)
        _ = try client.delete("/v1/jobs/\(job)")
        while try state(of: job) == "running" { Thread.sleep(forTimeInterval: 0.02) }
        idle += try times(click, count: count - count / 2)
        let (quiet, beside) = (Percentiles(idle), Percentiles(busy))
        return Result(
            bench: "click-during-job", model: model, threads: threads, clicks: count,
            idleMedian: quiet.median * 1e3, idleP95: quiet[0.95] * 1e3, busyMedian: beside.median * 1e3,
            busyP95: beside[0.95] * 1e3, ratio: beside[0.95] / quiet[0.95], steps: after - before,
            stepsPerSecond: Double(after - before) / duration)
    }

    private func times(_ click: ClientRequest, count: Int) throws -> [Double] {
        try (0..<count).map { _ in
            Thread.sleep(forTimeInterval: pause)
            return try seconds { _ = try client.send(click).json() }
        }
    }

    /// Returns the job's step once it trains in earnest: scoring the base model and first encodings are over.
    private func waitForTraining(_ job: String) throws -> Int {
        while true {
            let step = try step(of: job)
            if step > 0 { return step }
            guard ["queued", "running"].contains(try state(of: job)) else {
                throw BenchFailure(reason: "the job ended before it could be measured beside")
            }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private func step(of job: String) throws -> Int {
        try client.get("/v1/jobs/\(job)").json()["step"]?.integerValue ?? 0
    }

    private func state(of job: String) throws -> String? {
        try client.get("/v1/jobs/\(job)").json()["state"]?.stringValue
    }
}

/// A benchmark that could not be made.
struct BenchFailure: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}
