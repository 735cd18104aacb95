package import HTTPTypes

/// Which scope a route asks for. One rule for all routes, so that a new one is never open by oversight.
package enum AccessRules {
    /// Nil: open to everybody, as are the files of `Public/`; a page must load before it can ask for a token.
    package static func scope(for method: HTTPRequest.Method, _ pattern: String) -> Scope? {
        // What a load balancer asks, and what says nothing of anybody's work.
        guard pattern.hasPrefix("/v1/") || pattern == "/metrics" else { return nil }
        if method == .get || method == .head || method == .options { return .read }
        if pattern.hasSuffix("/segment") || pattern.hasPrefix("/v1/images") || pattern == "/v1/verify" {
            return .segment
        }
        return .train
    }

    /// Whether the route adds to what is stored, and so is held against the quota.
    static func stores(_ method: HTTPRequest.Method, _ pattern: String) -> Bool {
        method == .post && (pattern == "/v1/images" || queuesJobs(method, pattern))
    }

    /// Whether the route adds a job.
    static func queuesJobs(_ method: HTTPRequest.Method, _ pattern: String) -> Bool {
        method == .post && (pattern == "/v1/tasks" || pattern.hasSuffix("/support"))
    }
}
