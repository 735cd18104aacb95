import Basics
import HTTP
import HTTPTypes
import Posix
import Server

/// What is kept of requests beyond their answers: those that may come again, and who did what.
extension Service {
    enum KeyedRequest {
        case perform(Idempotency.Key)
        case replay(Response)
        /// It has no key.
        case plain
    }

    /// Looks at a POST's Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).
    func beginIdempotent(_ context: RequestContext) throws -> KeyedRequest {
        let request = context.request
        guard request.method == .post, let text = request.fields[.idempotencyKey] else { return .plain }
        guard (1...255).contains(text.utf8.count) else {
            throw Problem.invalid(
                "Idempotency-Key", "Idempotency-Key has \(text.utf8.count) characters",
                hint: "send 1 to 255, such as a fresh UUID for each new request")
        }
        let key = Idempotency.Key(
            owner: context.identity.owner, seesAll: context.identity.visibleOwner == nil, text: text)
        let fingerprint = try RequestFingerprint.of(request)
        switch idempotency.withLock({ $0.begin(key, fingerprint: fingerprint, at: .now) }) {
        case .perform: return .perform(key)
        case .replay(var response):
            response.fields[.idempotentReplayed] = "true"
            return .replay(response)
        case .mismatch:
            throw Problem(
                .keyReused, "this Idempotency-Key came with another request before", field: "Idempotency-Key",
                hint: "use a fresh key for each new request, and the old one only to send the same again")
        case .underWay:
            throw Problem(
                .keyInUse, "a request with this Idempotency-Key is being served", field: "Idempotency-Key",
                hint: "wait for its answer, or ask again in a second",
                headers: [.init(name: "Retry-After", value: "1")])
        }
    }

    /// Of a request that was not begun, so that it may be sent again.
    func forgetIdempotent(_ key: Idempotency.Key) { idempotency.withLock { $0.finish(key, nil, at: .now) } }

    /// Keeps the answer for those who ask again. Failures of ours, and refusals for the moment, are to be tried anew.
    func finishIdempotent(_ key: Idempotency.Key, _ response: Response) {
        let isLasting = response.status.code < 500 && response.status.code != 429
        idempotency.withLock { $0.finish(key, isLasting ? response : nil, at: .now) }
    }

    /// Writes who was not let in, and who may not do what they asked for.
    func audit(refused head: HTTPRequest, _ pattern: String?, _ problem: Problem, id: String) {
        guard let auditLog, problem.kind == .unauthorized || problem.kind == .forbidden else { return }
        // Whoever is forbidden something has said who they are.
        let identity = (try? access.authorize(head.headerFields, scope: nil)) ?? .nobody
        auditLog.record(refused: id, identity: identity, method: head.method, route: pattern, status: problem.status)
    }

    /// Writes who did what into the audit log: everything about tasks, jobs and images.
    func audit(_ context: RequestContext, _ pattern: String, _ response: Response) {
        guard let auditLog, pattern.hasPrefix("/v1/"), pattern != "/v1/whoami", pattern != "/v1/models" else { return }
        // Only what has the form of an identifier: a mistyped path may hold anything.
        var subject = ["task", "job", "image"].compactMap { name -> String? in
            guard let text = context.parameters[name],
                Identifier.isWellFormed(text, prefix: name) || ImageIdentifier.hash(text) != nil
            else { return nil }
            return text
        }
        // What was created.
        if let place = response.fields[.location]?.split(separator: "/").last { subject.append(String(place)) }
        auditLog.record(
            request: context.request.id, identity: context.identity, method: context.request.method, route: pattern,
            subject: subject, status: response.status.code)
    }
}

extension HTTPField.Name {
    fileprivate static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    fileprivate static let idempotentReplayed = HTTPField.Name("Idempotent-Replayed")!
}
