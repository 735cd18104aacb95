package import Storage

/// Who asks, and what they may do.
package struct Identity: Sendable, Equatable {
    /// To whom what is created belongs; nil where nobody is asked who they are.
    package let owner: String?
    package let scope: Scope
    package let expires: Timestamp?

    /// Everybody, on a server without tokens.
    package static let anyone = Identity(owner: nil, scope: .admin, expires: nil)
}
