import Basics
package import HTTPTypes
package import Logging
package import Posix
package import Storage

/// Decides who a request is from, whether it may do what it asks for, and whether it asks too often.
package final class AccessControl: Sendable {
    private struct State {
        var tokens: [String: Token] = [:]
        var revision: [Int]?
        /// Stays true: revoking the last token, or losing the file, must not open the server.
        var isRequired = false
        var isDamaged = false
        var checked: MonotonicTime?
        var limiter = RateLimiter()
    }

    private static let recheck = Duration.seconds(1)

    private let file: TokenFile?
    private let clock: WallClock
    private let log: Logger
    private let state = Lock(State())

    /// Nobody is asked who they are.
    package init(log: Logger) {
        file = nil
        clock = .system
        self.log = log
    }

    /// - Parameter file: Need not be there yet: the first token that is made closes the server to all others.
    package init(_ file: TokenFile, clock: WallClock = .system, log: Logger) throws(TokenFileError) {
        self.file = file
        self.clock = clock
        self.log = log
        guard file.exists else { return }
        let revision = file.revision
        let tokens = try file.load()
        state.withLock { state in
            state.isRequired = true
            state.revision = revision
            state.tokens = Dictionary(tokens.map { ($0.id, $0) }) { $1 }
        }
    }

    package var isRequired: Bool {
        reloadIfDue(.now)
        return state.withLock { $0.isRequired }
    }

    /// The identity of a request that needs `scope`, without counting it. 401 when it has none, 403 when that is not enough.
    package func authorize(_ fields: HTTPFields, scope: Scope?) throws(Problem) -> Identity {
        reloadIfDue(.now)
        let (isRequired, isDamaged) = state.withLock { ($0.isRequired, $0.isDamaged) }
        guard isRequired else { return .anyone }
        guard !isDamaged else {
            if scope == nil { return .nobody }
            throw Problem(
                .internalError, "the server's list of tokens cannot be read",
                hint: "ask the operator to look at its log")
        }
        guard let identity = try identify(fields) else {
            if scope == nil { return .nobody }
            throw Self.unauthorized("this needs a token", nil)
        }
        if let scope, identity.scope < scope { throw Self.forbidden(scope, identity) }
        return identity
    }

    /// Counts a request against its token's rate; 429 when there have been too many.
    package func count(_ identity: Identity, now: MonotonicTime = .now) throws(Problem) {
        guard let token = identity.token, let limit = identity.limits?.requestsPerMinute else { return }
        let delay = state.withLock { $0.limiter.take(token, perMinute: limit, at: now) }
        guard let delay else { return }
        let seconds = max(1, Int((delay / .seconds(1)).rounded(.up)))
        throw Problem.overQuota(
            "more than \(limit) requests in a minute came with this token", hint: "try again in \(seconds) s",
            retryAfter: seconds)
    }

    private func identify(_ fields: HTTPFields) throws(Problem) -> Identity? {
        guard let header = fields[.authorization] else { return nil }
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw Self.unauthorized("the Authorization field is not \"Bearer TOKEN\"", "invalid_request")
        }
        guard let (id, secret) = Token.parse(words[1].trimmingWhitespace) else {
            throw Self.unauthorized("what was sent is no token of this service", "invalid_token")
        }
        // An unknown id takes the same answer and, hashing aside, the same way as a wrong secret.
        guard let token = state.withLock({ $0.tokens[id] }), token.matches(secret) else {
            throw Self.unauthorized("the token is unknown or was revoked", "invalid_token")
        }
        if let expires = token.expires, expires <= clock.now() {
            throw Self.unauthorized("the token expired on \(expires.rfc3339)", "invalid_token")
        }
        return Identity(token)
    }

    private func reloadIfDue(_ now: MonotonicTime) {
        guard let file else { return }
        let known = state.withLock { state -> [Int]?? in
            if let checked = state.checked, now < checked + Self.recheck { return nil }
            state.checked = now
            return .some(state.revision)
        }
        guard let known else { return }
        let revision = file.revision
        guard revision != known else { return }
        do throws(TokenFileError) {
            let tokens = try file.load()
            state.withLock { state in
                state.isRequired = true
                state.isDamaged = false
                state.revision = revision
                state.tokens = Dictionary(tokens.map { ($0.id, $0) }) { $1 }
                state.limiter.keep(Set(state.tokens.keys))
            }
            log.notice("tokens were read again", metadata: ["count": "\(tokens.count)"])
        } catch {
            // Whoever was revoked by this change must not go on: until it can be read, nobody is known. What is in the way may end without a
            // trace in the file (its owner, a lack of descriptors), so that it is tried again each time.
            let wasDamaged = state.withLock { state in
                defer { state.isDamaged = true }
                state.isRequired = true
                state.revision = []
                state.tokens = [:]
                return state.isDamaged
            }
            guard !wasDamaged else { return }
            log.error("the tokens cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private static func unauthorized(_ detail: String, _ error: String?) -> Problem {
        let challenge = "Bearer realm=\"gmiseg\"" + (error.map { ", error=\"\($0)\"" } ?? "")
        return Problem(
            .unauthorized, detail, field: "Authorization",
            hint: "send -H 'Authorization: Bearer TOKEN'; the operator makes tokens with gmiseg token create",
            headers: [.init(name: "WWW-Authenticate", value: challenge)])
    }

    private static func forbidden(_ scope: Scope, _ identity: Identity) -> Problem {
        Problem(
            .forbidden, "this needs the scope \(scope.rawValue), the token has \(identity.scope.rawValue)",
            field: "Authorization", hint: "ask the operator for a token with --scope \(scope.rawValue)",
            extensions: [.init("scope", .string(scope.rawValue))],
            // RFC 6750 §3.1.
            headers: [
                .init(
                    name: "WWW-Authenticate",
                    value: "Bearer realm=\"gmiseg\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")
            ])
    }
}

extension Problem {
    /// 429, with the seconds after which another attempt may succeed.
    static func overQuota(_ detail: String, hint: String, retryAfter: Int) -> Problem {
        Problem(.overQuota, detail, hint: hint, headers: [.init(name: "Retry-After", value: "\(retryAfter)")])
    }
}
