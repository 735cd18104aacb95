import Basics
import Posix
package import Server

/// What is counted while the service runs. Routes, statuses and stages only: nothing of what was asked or answered.
package final class Telemetry: Sendable {
    /// What was asked of one route.
    private struct RouteCounts {
        var durations = Histogram(bounds: Histogram.latencies)
        /// Few enough to be looked through.
        var answers: [(method: String, status: Int, count: Int)] = []

        mutating func observe(_ method: String, _ status: Int, _ seconds: Double) {
            durations.observe(seconds)
            if let index = answers.firstIndex(where: { $0.status == status && $0.method == method }) {
                answers[index].count += 1
            } else {
                answers.append((method, status, 1))
            }
        }
    }

    private struct State {
        var routes: [String: RouteCounts] = [:]
        var stages: [String: Histogram] = [:]
        var jobs: [String: Histogram] = [:]
        var connections: @Sendable () -> Int = { 0 }
    }

    // RFC 9110 §9.1 and §9.3: any token may stand for a method, and would make a time series of its own.
    private static let methods: Set = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]

    private let state = Lock(State())

    package init() {}

    package func count(_ entry: AccessLogEntry) {
        let method = Self.methods.contains(entry.method) ? entry.method : "other"
        let seconds = entry.duration.seconds
        state.withLock { state in
            state.routes[entry.route, default: RouteCounts()].observe(method, entry.status, seconds)
        }
    }

    /// Where the number of open connections is to be had.
    package func watch(connections: @escaping @Sendable () -> Int) { state.withLock { $0.connections = connections } }

    var connectionCount: Int { state.withLock { $0.connections }() }

    /// A stage of answering a segment request: decode, embed, predict and so on.
    func observe(stage: String, seconds: Double) {
        state.withLock { $0.stages[stage, default: Histogram(bounds: Histogram.latencies)].observe(seconds) }
    }

    /// A run of a job that came to an end.
    func observe(job outcome: String, seconds: Double) {
        state.withLock { $0.jobs[outcome, default: Histogram(bounds: Histogram.jobs)].observe(seconds) }
    }

    func write(to text: inout PrometheusText) {
        let state = state.withLock { $0 }
        text.metric("gmiseg_http_requests_total", "counter", "Requests answered, by route and status.")
        for (route, counts) in state.routes.sorted(by: { $0.key < $1.key }) {
            for answer in counts.answers.sorted(by: { ($0.method, $0.status) < ($1.method, $1.status) }) {
                text.sample(
                    "gmiseg_http_requests_total",
                    [("method", answer.method), ("route", route), ("status", "\(answer.status)")], answer.count)
            }
        }
        Self.write(
            state.routes.mapValues(\.durations), "gmiseg_http_request_duration_seconds", "route",
            "From a request's first byte to its answer's last.", to: &text)
        Self.write(
            state.stages, "gmiseg_segment_stage_seconds", "stage", "Stages of answering a segment request.", to: &text)
        Self.write(state.jobs, "gmiseg_job_run_seconds", "outcome", "Runs of jobs.", to: &text)
    }

    private static func write(
        _ histograms: [String: Histogram], _ name: String, _ label: String, _ help: String,
        to text: inout PrometheusText
    ) {
        text.metric(name, "histogram", help)
        for (value, histogram) in histograms.sorted(by: { $0.key < $1.key }) {
            text.histogram(name, [(label, value)], histogram)
        }
    }
}
