import Basics
package import Server

/// What is counted while the service runs. Routes, statuses and stages only: nothing of what was asked or answered.
package final class Telemetry: Sendable {
    private struct RouteKey: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    private struct State {
        var requests: [RouteKey: Int] = [:]
        var durations: [String: Histogram] = [:]
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
        let key = RouteKey(method: method, route: entry.route, status: entry.status)
        let seconds = entry.duration / .seconds(1)
        state.withLock { state in
            state.requests[key, default: 0] += 1
            state.durations[entry.route, default: Histogram(bounds: Histogram.latencies)].observe(seconds)
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
        let keys = state.requests.sorted {
            ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
        }
        for (key, count) in keys {
            text.sample(
                "gmiseg_http_requests_total",
                [("method", key.method), ("route", key.route), ("status", "\(key.status)")], count)
        }
        Self.write(
            state.durations, "gmiseg_http_request_duration_seconds", "route",
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
