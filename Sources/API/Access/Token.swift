import Basics
import Cryptography
package import Storage

/// A bearer token as the server keeps it: who it is for and what it allows, and of the secret no more than a salted hash.
///
/// One round of SHA-256 is enough: the secret has 160 random bits, which no dictionary holds and nobody tries through.
package struct Token: Sendable, Equatable {
    /// What its owner may use up.
    package struct Limits: Sendable, Equatable {
        package var requestsPerMinute = 600
        /// Jobs that may be queued or running at once.
        package var jobs = 8
        /// Bytes of tasks and images together.
        package var bytes = 20 << 30

        package init() {}
    }

    /// Public: stands in logs, and is what `gmiseg token revoke` takes.
    package let id: String
    package let owner: String
    package let scope: Scope
    package let limits: Limits
    package let created: Timestamp
    package let expires: Timestamp?
    let salt: [UInt8]
    let hash: [UInt8]

    /// A fresh token, and the text to give to its owner, which is kept nowhere.
    package static func make(
        owner: String, scope: Scope, limits: Limits = Limits(), created: Timestamp, expires: Timestamp?
    ) -> (token: Token, text: String) {
        let id = Identifier.make("token")
        // Two identifiers' worth of random characters, 160 bits.
        let secret = Identifier.make("s").dropFirst(2) + Identifier.make("s").dropFirst(2)
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let token = Token(
            id: id, owner: owner, scope: scope, limits: limits, created: created, expires: expires, salt: salt,
            hash: hash(salt, secret))
        return (token, "gmiseg_\(id.dropFirst(6))_\(secret)")
    }

    /// The id and the secret within what a client sends; nil when it is no token's text.
    static func parse(_ text: some StringProtocol) -> (id: String, secret: Substring)? {
        let parts = Substring(text).split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "gmiseg" else { return nil }
        let id = "token_\(parts[1])"
        guard Identifier.isWellFormed(id, prefix: "token"), parts[2].utf8.count == 32 else { return nil }
        return (id, parts[2])
    }

    func matches(_ secret: Substring) -> Bool { ConstantTime.equal(hash, Self.hash(salt, secret)) }

    private static func hash(_ salt: [UInt8], _ secret: Substring) -> [UInt8] {
        var digest = SHA256()
        digest.update(salt)
        digest.update(secret.utf8)
        return digest.finalize()
    }

    /// What an owner may be called: it stands in file listings and logs.
    package static func isWellFormed(owner: String) -> Bool {
        (1...64).contains(owner.utf8.count)
            && owner.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "@"):
                    true
                default: false
                }
            }
    }
}
