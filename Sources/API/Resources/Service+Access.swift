import HTTP
import Server
import Storage

/// `GET /v1/whoami`: what the server makes of the request's token.
extension Service {
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
