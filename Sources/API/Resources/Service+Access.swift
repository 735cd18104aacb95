import HTTP
import HTTPTypes
import Server
import Storage

/// Who may come in; and `GET /v1/whoami`: what the server makes of the request's token.
extension Service {
    /// The identity of a request that is about to be served.
    func admit(_ request: Request, _ pattern: String) throws -> Identity {
        try access.authorize(request.fields, scope: AccessRules.scope(for: request.method, pattern))
    }

    /// Refuses what would add more than the owner may store or queue: not what only looks, and no job where none is asked for.
    ///
    /// - Returns: What the request may add, which counts until its answer; nil where nothing is counted.
    func checkQuota(_ context: RequestContext, _ pattern: String) throws -> QuotaLedger.Addition? {
        let request = context.request
        guard AccessRules.stores(request.method, pattern),
            !request.queryText.split(separator: "&").contains("dry_run=true"),
            let owner = context.identity.owner, let limits = context.identity.limits
        else { return nil }
        let addsJob = AccessRules.queuesJobs(request.method, pattern) && request.body.hasPart("image")
        // Before the store is asked: what ends meanwhile is then counted there.
        let (addition, earlier) = quotas.begin(owner, .init(jobs: addsJob ? 1 : 0, bytes: request.body.byteCount))
        let usage = try store.usage(of: owner)
        let (jobs, bytes) = (usage.jobs + earlier.jobs, usage.bytes + earlier.bytes)
        if addsJob, jobs >= limits.jobs {
            throw Problem.overQuota(
                "\(jobs) jobs of \(owner) wait or run, as many as may",
                hint: "wait for one to end, or cancel one",
                retryAfter: 30)
        }
        guard bytes + request.body.byteCount <= limits.bytes else {
            throw Problem.overQuota(
                "\(owner) stores \(bytes) bytes, and may store \(limits.bytes)",
                hint: "delete tasks or images that are no longer needed", retryAfter: 60)
        }
        return addition
    }

    func whoami(_ context: RequestContext) throws -> Response {
        _ = try context.negotiate([.json])
        _ = try context.query()
        let identity = context.identity
        return .json([
            "owner": .optional(identity.owner),
            "scopes": .array((identity.owner == nil ? [.admin] : identity.scope.included).map { .string($0.rawValue) }),
            "expires_at": .optional(identity.expires?.rfc3339),
        ])
    }
}

extension RequestBody {
    /// Whether a form brings a part of this name.
    fileprivate func hasPart(_ name: String) -> Bool {
        if case .multipart(let parts) = self { parts.contains { $0.name == name } } else { false }
    }
}
