import HTTP
import HTTPTypes
import Posix
import SegmentAnything
import Server
import Storage

/// `GET /metrics`, for Prometheus.
extension Service {
    func metrics(_ context: RequestContext) throws -> Response {
        _ = try context.query()
        var text = PrometheusText()
        text.metric("gmiseg_build_info", "gauge", "Always 1; which program runs.")
        text.sample(
            "gmiseg_build_info", [("version", BuildInfo.version), ("executable", build.executableSHA256 ?? "unknown")],
            1)
        text.metric("gmiseg_model_info", "gauge", "Always 1; which models are served.")
        for served in models.all {
            text.sample("gmiseg_model_info", [("name", served.name), ("sha256", served.model.sha256)], 1)
        }
        telemetry.write(to: &text)
        writeQueues(to: &text)
        writeCache(to: &text)
        if let health = try? store.probe() { write(health, to: &text) }
        writeProcess(to: &text)
        var fields = HTTPFields()
        fields[.contentType] = PrometheusText.contentType
        fields[.cacheControl] = "no-store"
        return Response(.ok, fields: fields, body: .bytes(Array(text.text.utf8)))
    }

    private func writeQueues(to text: inout PrometheusText) {
        text.metric("gmiseg_queue_depth", "gauge", "Pieces of work that wait or run.")
        for (name, queue) in [("imaging", imaging), ("encoding", encoding), ("decoding", decoding)] {
            text.sample("gmiseg_queue_depth", [("queue", name)], queue.depth)
        }
    }

    private func writeCache(to text: inout PrometheusText) {
        let cache = embeddings.statistics
        text.metric("gmiseg_embedding_cache_requests_total", "counter", "Embeddings asked for, by how they were had.")
        for (outcome, count) in [("cached", cache.hits), ("computed", cache.misses), ("shared", cache.shared)] {
            text.sample("gmiseg_embedding_cache_requests_total", [("outcome", outcome)], count)
        }
        text.single(
            "gmiseg_embedding_cache_evictions_total", "counter", "Embeddings dropped for want of room.",
            Double(cache.evictions))
        text.single("gmiseg_embedding_cache_bytes", "gauge", "Memory of the embeddings kept.", Double(cache.byteCount))
        text.single("gmiseg_embedding_cache_entries", "gauge", "Embeddings kept.", Double(cache.entries))
    }

    private func write(_ health: StoreHealth, to text: inout PrometheusText) {
        text.metric("gmiseg_jobs", "gauge", "Jobs on record, by state.")
        for state in [JobState.queued, .running, .succeeded, .failed, .cancelled] {
            text.sample("gmiseg_jobs", [("state", state.rawValue)], health.jobs[state] ?? 0)
        }
        text.single("gmiseg_tasks", "gauge", "Tasks on record.", Double(health.tasks))
        text.single("gmiseg_images", "gauge", "Uploaded images on record.", Double(health.images))
        text.single("gmiseg_disk_free_bytes", "gauge", "Free for the data folder.", Double(health.freeBytes))
    }

    private func writeProcess(to text: inout PrometheusText) {
        let process = ProcessStatistics.current
        text.single("gmiseg_http_connections", "gauge", "Connections open now.", Double(telemetry.connectionCount))
        text.single(
            "process_resident_memory_bytes", "gauge", "Memory of the process.", Double(process.residentBytes))
        text.single("process_open_fds", "gauge", "Descriptors of the process.", Double(process.openDescriptors))
        text.single("process_cpu_seconds_total", "counter", "Processor time of the process.", process.cpuSeconds)
    }
}
