import HTTP
import HTTPTypes
import SegmentAnything
import Server
import Storage

/// `/healthz` and `/readyz`: whether the process lives, and whether it can do its work.
extension Service {
    static let alive = Response.json(["status": "ok"], fields: [.vary: "Accept-Encoding"])

    func health(_ context: RequestContext) throws -> Response {
        Self.alive
    }

    func readiness(_ context: RequestContext) throws -> Response {
        guard !isStopping else {
            throw Problem(
                .shuttingDown, "the server is shutting down", hint: "try again in 10 s",
                headers: [.init(name: "Retry-After", value: "10")])
        }
        let state: StoreHealth
        do {
            state = try store.probe()
        } catch {
            let problem = Problem(error)
            throw Problem(problem.kind == .storageFull ? .storageFull : .busy, problem.detail, hint: problem.hint)
        }
        guard state.freeBytes >= configuration.minimumFreeBytes else {
            throw Problem(
                .storageFull, "\(state.freeBytes) bytes are free on the data folder's disk",
                hint: "at least \(configuration.minimumFreeBytes) are needed; delete tasks or files")
        }
        // How much is kept here is not for everybody to know.
        if access.isRequired, context.identity.owner == nil { return .json(["status": "ready"]) }
        let cache = embeddings.statistics
        return .json([
            "status": "ready", "version": .string(BuildInfo.version), "model": .string(models.standard.name),
            "models": .array(models.names.map { .string($0) }),
            "tasks": .integer(state.tasks), "images": .integer(state.images),
            "jobs": .object(
                [JobState.queued, .running, .succeeded, .failed, .cancelled].map {
                    .init($0.rawValue, .integer(state.jobs[$0] ?? 0))
                }),
            "free_bytes": .integer(state.freeBytes),
            "embedding_cache": [
                "entries": .integer(cache.entries), "bytes": .integer(cache.byteCount), "hits": .integer(cache.hits),
                "misses": .integer(cache.misses), "shared": .integer(cache.shared),
            ],
        ])
    }
}
