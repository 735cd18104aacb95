import API
import Client
import Foundation
import Storage
import TestSupport
import Testing

/// A server with tokens, as its users meet it.
@Suite struct AccessTests {
    private static func token(
        _ owner: String, _ scope: Scope, _ limits: Token.Limits = Token.Limits()
    ) -> (token: Token, text: String) {
        Token.make(owner: owner, scope: scope, limits: limits, created: Timestamp(milliseconds: 0), expires: nil)
    }

    /// With a token that may have so many jobs at a time.
    private static func withJobs(_ count: Int, _ body: (TestClient) async throws -> Void) async throws {
        var limits = Token.Limits()
        limits.jobs = count
        let (token, text) = token("ana", .train, limits)
        try await withLiveServer(tokens: [token]) { server in try await body(server.client.with(text)) }
    }

    @Test func asksWhoIsThere() async throws {
        let (token, text) = Self.token("ana", .segment)
        try await withLiveServer(tokens: [token]) { server in
            for path in ["/healthz", "/readyz", "/problems"] {
                #expect(try await server.client.get(path).status == 200, "\(path)")
            }
            #expect(try await server.client.get("/readyz").json == ["status": "ready"])
            let stranger = try await server.client.get("/v1/tasks")
            #expect(stranger.status == 401)
            #expect(stranger.header("WWW-Authenticate") == "Bearer realm=\"gmiseg\"")
            #expect(try stranger.json["type"] == "/problems/unauthorized")
            let ana = server.client.with(text)
            let known = try await ana.get("/v1/whoami").json
            #expect(known == ["owner": "ana", "scopes": ["read", "segment"], "expires_at": .null])
            #expect(try await ana.post("/v1/segment", form: Forms.segment("{}")).status == 200)
            let beyond = try await ana.post("/v1/tasks", form: Forms.task())
            #expect(beyond.status == 403)
            #expect(try beyond.json["scope"] == "train")
            #expect(beyond.header("WWW-Authenticate")?.contains("insufficient_scope") == true)
        }
    }

    @Test func tellsStrangersBeforeTheirUpload() async throws {
        let (token, _) = Self.token("ana", .admin)
        try await withLiveServer(tokens: [token]) { server in
            // Only the head is sent: the answer does not wait for the gigabyte.
            let head = "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
            let answer = try await server.client.exchange(raw: Array(head.utf8))
            #expect(answer.status == 401)
        }
    }

    @Test func whatIsOnesOwnIsInvisibleToOthers() async throws {
        let (anaToken, anaText) = Self.token("ana", .train)
        let (benToken, benText) = Self.token("ben", .train)
        let (rootToken, rootText) = Self.token("root", .admin)
        try await withLiveServer(tokens: [anaToken, benToken, rootToken]) { server in
            let (ana, ben, root) = (
                server.client.with(anaText), server.client.with(benText), server.client.with(rootText)
            )
            let created = try await ana.post("/v1/tasks?wait=60", form: Forms.task()).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let job = try #require(created["job"]?["id"]?.stringValue)
            let picture = [FormPart("image", bytes: TestImages.disc(), filename: "a.png")]
            let image = try #require(try await ana.post("/v1/images", form: picture).json["id"]?.stringValue)

            let paths = [
                "/v1/tasks/\(task)", "/v1/tasks/\(task)/adapter?version=1", "/v1/jobs/\(job)",
                "/v1/jobs/\(job)/events", "/v1/images/\(image)",
            ]
            for path in paths {
                #expect(try await ana.get(path).status == 200, "\(path)")
                #expect(try await root.get(path).status == 200, "\(path)")
                #expect(try await ben.get(path).status == 404, "\(path)")
            }
            #expect(try await ben.get("/v1/tasks").json["tasks"] == [])
            for page in ["/v1/tasks?after=\(task)", "/v1/jobs?after=\(job)"] {
                #expect(try await ana.get(page).status == 200, "\(page)")
                #expect(try await ben.get(page).status == 400, "\(page)")
            }
            #expect(try await ben.get("/v1/jobs").json["jobs"] == [])
            #expect(try await ana.get("/v1/tasks").json["tasks"]?.elements?.count == 1)
            #expect(try await root.get("/v1/jobs").json["jobs"]?.elements?.count == 1)
            #expect(try await ben.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).status == 404)
            let named = [FormPart("image_id", text: image), FormPart("prompts", text: "{}")]
            #expect(try await ben.post("/v1/segment", form: named).status == 404)
            #expect(try await ben.delete("/v1/tasks/\(task)").status == 404)
            #expect(try await ben.delete("/v1/jobs/\(job)").status == 404)
            #expect(try await ben.delete("/v1/images/\(image)").status == 404)

            // The same picture of another owner is another copy: 201, and it outlives the first.
            #expect(try await ben.post("/v1/images", form: picture).status == 201)
            #expect(try await ana.delete("/v1/images/\(image)").json["files"] == 1)
            #expect(try await ana.get("/v1/images/\(image)").status == 404)
            #expect(try await ben.get("/v1/images/\(image)").status == 200)
            // An admin's deletion takes the admin's own copy first; without one it means those of others.
            #expect(try await root.post("/v1/images", form: picture).status == 201)
            #expect(try await root.delete("/v1/images/\(image)").json["files"] == 1)
            #expect(try await ben.get("/v1/images/\(image)").status == 200)
            #expect(try await root.delete("/v1/images/\(image)").json["files"] == 1)
            #expect(try await ben.get("/v1/images/\(image)").status == 404)
            #expect(try await root.delete("/v1/tasks/\(task)").status == 200)
        }
    }

    @Test func quotasAreKept() async throws {
        var limits = Token.Limits()
        limits.jobs = 1
        limits.bytes = 1 << 20
        let (token, text) = Self.token("ana", .train, limits)
        try await withLiveServer(tokens: [token]) { server in
            let ana = server.client.with(text)
            #expect(try await ana.post("/v1/tasks", form: Forms.endlessTask()).status == 202)
            let second = try await ana.post("/v1/tasks", form: Forms.task())
            #expect(second.status == 429)
            #expect(second.header("Retry-After") != nil)
            #expect(try second.json["type"] == "/problems/over-quota")
            // What queues no job, and what was done already, is not held against it.
            #expect(try await ana.post("/v1/tasks?dry_run=true", form: Forms.task()).status == 200)
            let junk = [FormPart("image", bytes: [UInt8](repeating: 1, count: 1 << 20), filename: "a.png")]
            #expect(try await ana.post("/v1/images", form: junk).status == 429)
        }
    }

    /// Each would pass a check of what is stored already.
    @Test func quotasAreKeptByRequestsThatComeAtOnce() async throws {
        try await Self.withJobs(2) { ana in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 {
                    group.addTask { try await ana.post("/v1/tasks", form: Forms.endlessTask()).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 202 } == 2)
            #expect(statuses.count { $0 == 429 } == 10)
        }
    }

    @Test func aRequestThatIsSentAgainIsNotHeldAgainstItsOwnJob() async throws {
        try await Self.withJobs(1) { ana in
            let form = Forms.endlessTask()
            func send(_ key: String) async throws -> ClientResponse {
                try await ana.post("/v1/tasks", form: form, headers: [("Idempotency-Key", key)])
            }
            let first = try await send("one")
            let again = try await send("one")
            #expect(first.status == 202 && again.status == 202)
            #expect(again.header("Idempotent-Replayed") == "true")
            #expect(try first.json["task"]?["id"] == again.json["task"]?["id"])
            // A refusal is not kept: the same request is done as soon as there is room.
            #expect(try await send("two").status == 429)
            _ = try await ana.delete("/v1/jobs/\(try first.json["job"]?["id"]?.stringValue ?? "")")
            var second = try await send("two")
            while second.status == 429 { second = try await send("two") }
            #expect(second.status == 202 && second.header("Idempotent-Replayed") == nil)
        }
    }

    @Test func ratesAreKept() async throws {
        var limits = Token.Limits()
        limits.requestsPerMinute = 3
        let (token, text) = Self.token("ana", .read, limits)
        try await withLiveServer(tokens: [token]) { server in
            let ana = server.client.with(text)
            // On a busy machine some of what was used up has come back before the next request.
            var statuses: [Int] = []
            while statuses.count < 30, statuses.last != 429 { statuses.append(try await ana.get("/v1/whoami").status) }
            #expect(statuses.prefix(3) == [200, 200, 200] && statuses.last == 429)
            #expect(try await server.client.get("/healthz").status == 200)
        }
    }

    @Test func revokedTokensAreRefusedWithinSeconds() async throws {
        let (token, text) = Self.token("ana", .read)
        try await withLiveServer(tokens: [token]) { server in
            let ana = server.client.with(text)
            #expect(try await ana.get("/v1/whoami").status == 200)
            try server.tokenFile.update { $0.removeAll() }
            // Looked at once a second; a minute is for busy machines.
            for _ in 0..<600 where try await ana.get("/v1/whoami").status == 200 {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await ana.get("/v1/whoami").status == 401)
            // A list that cannot be read lets nobody in.
            try Data("{".utf8).write(to: URL(filePath: server.tokenFile.path))
            for _ in 0..<600 where try await ana.get("/v1/whoami").status == 401 {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await ana.get("/v1/whoami").status == 500)
            #expect(try await ana.get("/healthz").status == 200)
        }
    }

    @Test func otherSitesPagesAreRefused() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post(
                "/v1/tasks", form: Forms.task(), headers: [("Origin", "https://evil.example")])
            #expect(answer.status == 403)
            #expect(try answer.json["field"] == "Origin")
        }
    }
}
