package import Storage

/// Who asks, and what they may do.
package struct Identity: Sendable, Equatable {
    /// To whom what is created belongs; nil where nobody is asked who they are.
    package let owner: String?
    package let scope: Scope
    package let expires: Timestamp?
    /// The token's id, for the log.
    package let token: String?
    /// Nil: none.
    let limits: Token.Limits?

    /// Everybody, on a server without tokens.
    package static let anyone = Identity(owner: nil, scope: .admin, expires: nil, token: nil, limits: nil)

    /// Whoever has shown no token on a server that wants one: for what is open to all.
    static let nobody = Identity(owner: nil, scope: .read, expires: nil, token: nil, limits: nil)

    init(_ token: Token) {
        self.init(owner: token.owner, scope: token.scope, expires: token.expires, token: token.id, limits: token.limits)
    }

    private init(owner: String?, scope: Scope, expires: Timestamp?, token: String?, limits: Token.Limits?) {
        self.owner = owner
        self.scope = scope
        self.expires = expires
        self.token = token
        self.limits = limits
    }

    /// Whose things are seen; nil: everybody's.
    var visibleOwner: String? { scope == .admin ? nil : owner ?? "" }

    func maySee(_ task: TaskRecord) -> Bool { scope == .admin || task.owner == owner && owner != nil }
}
