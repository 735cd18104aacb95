import HTTP
import HTTPTypes
import Server
import Storage

/// Who may come in; and `GET /v1/whoami`: what the server makes of the request's token.
extension Service {
    /// The identity of a request that is about to be served, its quota checked where it adds to what is stored.
    func admit(_ request: Request, _ pattern: String) throws -> Identity {
        let scope = AccessRules.scope(for: request.method, pattern)
        let identity = try access.authorize(request.fields, scope: scope)
        if AccessRules.stores(request.method, pattern) { try checkQuota(identity, request, pattern) }
        return identity
    }

    private func checkQuota(_ identity: Identity, _ request: Request, _ pattern: String) throws {
        guard let owner = identity.owner, let limits = identity.limits else { return }
        let usage = try store.usage(of: owner)
        if AccessRules.queuesJobs(request.method, pattern), usage.jobs >= limits.jobs {
            throw Problem.overQuota(
                "\(usage.jobs) jobs of \(owner) wait or run, as many as may",
                hint: "wait for one to end, or cancel one",
                retryAfter: 30)
        }
        guard usage.bytes + request.body.byteCount <= limits.bytes else {
            throw Problem.overQuota(
                "\(owner) stores \(usage.bytes) bytes, and may store \(limits.bytes)",
                hint: "delete tasks or images that are no longer needed", retryAfter: 60)
        }
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
