import API
import Client
import Foundation
import Logging
import Storage
import TestSupport
import Testing

/// What operators see of the service, and what is done for them.
@Suite struct OperationsTests {
    @Test func aRequestSentTwiceIsDoneOnce() async throws {
        try await withLiveServer { server in
            let key = ("Idempotency-Key", "7c0a2f4e")
            let first = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(), headers: [key])
            #expect(first.status == 201)
            // The same parts between other boundaries.
            let again = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(), headers: [key])
            #expect(again.status == 201 && again.body == first.body)
            #expect(again.header("Idempotent-Replayed") == "true")
            #expect(again.header("Location") == first.header("Location"))
            #expect(try await server.client.get("/v1/tasks").json["tasks"]?.elements?.count == 1)

            let other = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(name: "x"), headers: [key])
            #expect(other.status == 422)
            #expect(try other.json["type"] == "/problems/key-reused")
            let elsewhere = try await server.client.post("/v1/segment", form: Forms.segment("{}"), headers: [key])
            #expect(elsewhere.status == 422)
            let empty = try await server.client.post(
                "/v1/segment", form: Forms.segment("{}"),
                headers: [("Idempotency-Key", String(repeating: "k", count: 256))])
            #expect(empty.status == 400)
            #expect(try empty.json["field"] == "Idempotency-Key")
        }
    }

    @Test func deletedTasksAreNotReplayed() async throws {
        try await withLiveServer { server in
            let key = ("Idempotency-Key", "a")
            let first = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(), headers: [key]).json
            let task = try #require(first["task"]?["id"]?.stringValue)
            let deletion = try await server.client.delete("/v1/tasks/\(task)").json
            #expect(deletion["deleted_at"]?.stringValue?.hasSuffix("Z") == true)
            let again = try await server.client.post("/v1/tasks", form: Forms.task(), headers: [key])
            #expect(again.header("Idempotent-Replayed") == nil)
        }
    }

    @Test func countsForPrometheus() async throws {
        try await withLiveServer { server in
            _ = try await server.client.post("/v1/tasks?wait=60", form: Forms.task())
            _ = try await server.client.post("/v1/segment", form: Forms.segment("{}"))
            let answer = try await server.client.get("/metrics")
            #expect(answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            let text = answer.text
            for line in [
                "gmiseg_jobs{state=\"succeeded\"} 1", "gmiseg_tasks 1", "gmiseg_queue_depth{queue=\"encoding\"} 0",
                "gmiseg_job_run_seconds_count{outcome=\"succeeded\"} 1",
                "gmiseg_segment_stage_seconds_count{stage=\"embed\"} 1",
                "gmiseg_embedding_cache_requests_total{outcome=\"computed\"} 1", "process_resident_memory_bytes ",
            ] {
                #expect(text.contains(line), "\(line)")
            }
            // Every line is a comment or a sample, and every sample belongs to a metric that was announced.
            var announced: Set<String> = []
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if line.hasPrefix("# TYPE ") { announced.insert(String(words[2])) }
                guard !line.hasPrefix("#") else { continue }
                var name = String(line.prefix { $0 != "{" && $0 != " " })
                for suffix in ["_bucket", "_sum", "_count"] where !announced.contains(name) && name.hasSuffix(suffix) {
                    name = String(name.dropLast(suffix.count))
                }
                #expect(announced.contains(name) && words.last.map { Double($0) != nil } == true, "\(line)")
            }
        }
    }

    @Test func keepsRecordOfWhoDidWhat() async throws {
        let folder = try TemporaryDirectory()
        let (token, text) = Token.make(owner: "ana", scope: .train, created: Timestamp(milliseconds: 0), expires: nil)
        let audit = try AuditLog(dataFolder: folder.path, log: Logger(label: "test"))
        try await withLiveServer(tokens: [token], auditLog: audit) { server in
            let ana = server.client.with(text)
            let created = try await ana.post("/v1/tasks", form: Forms.task(name: "Hans Müller"))
            let task = try #require(try created.json["task"]?["id"]?.stringValue)
            _ = try await ana.get("/v1/tasks/\(task)")
            _ = try await ana.get("/v1/tasks/M%C3%BCller")
            _ = try await ana.get("/healthz")
            #expect(try await ana.delete("/v1/tasks/\(task)").status == 200)
            audit.flush()
            let name = try #require(listDirectory(folder.file("audit")).first)
            let lines = try String(contentsOfFile: folder.file("audit/\(name)"), encoding: .utf8)
            let records = try lines.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
            #expect(
                records.map { $0["action"]?.stringValue } == [
                    "POST /v1/tasks", "GET /v1/tasks/{task}", "GET /v1/tasks/{task}", "DELETE /v1/tasks/{task}",
                ])
            #expect(records.map { $0["status"]?.integerValue } == [202, 200, 404, 200])
            #expect(records.allSatisfy { $0["owner"] == "ana" && $0["token"] == .string(token.id) })
            #expect(records[0]["subject"] == [.string(task)] && records[1]["subject"] == [.string(task)])
            #expect(records[2]["subject"] == [])
            #expect(records[0]["request"]?.stringValue == created.header("X-Request-Id"))
            // Nothing that a client called something.
            #expect(!lines.contains("ller") && !lines.contains("png"))
        }
    }

    /// What is sent again, and what is told bit by bit, was read as well.
    @Test func keepsRecordOfRepeatsAndStreams() async throws {
        let folder = try TemporaryDirectory()
        let audit = try AuditLog(dataFolder: folder.path, log: Logger(label: "test"))
        try await withLiveServer(auditLog: audit) { server in
            var job = ""
            for _ in 0..<2 {
                let answer = try await server.client.post(
                    "/v1/tasks?wait=60", form: Forms.task(), headers: [("Idempotency-Key", "k")])
                job = try #require(try answer.json["job"]?["id"]?.stringValue)
            }
            _ = try await server.client.get("/v1/jobs/\(job)/events")
            var records: [JSON] = []
            // The stream's end may arrive before its line is written.
            for _ in 0..<6_000 where records.count < 3 {
                audit.flush()
                let name = try #require(listDirectory(folder.file("audit")).first)
                let lines = try String(contentsOfFile: folder.file("audit/\(name)"), encoding: .utf8)
                records = try lines.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
                if records.count < 3 { pause(milliseconds: 10) }
            }
            #expect(
                records.map { $0["action"]?.stringValue } == [
                    "POST /v1/tasks", "POST /v1/tasks", "GET /v1/jobs/{job}/events",
                ])
            #expect(records.last?["subject"] == [.string(job)])
        }
    }

    @Test func keepsRecordOfWhoWasTurnedAway() async throws {
        let folder = try TemporaryDirectory()
        let (token, text) = Token.make(owner: "ana", scope: .read, created: Timestamp(milliseconds: 0), expires: nil)
        let audit = try AuditLog(dataFolder: folder.path, log: Logger(label: "test"))
        try await withLiveServer(tokens: [token], auditLog: audit) { server in
            let form = [FormPart("image", bytes: TestImages.disc(), filename: "Hans.png")]
            let stranger = try await server.client.get("/v1/tasks")
            let ana = try await server.client.with(text).post("/v1/images", form: form)
            #expect(stranger.status == 401 && ana.status == 403)
            _ = try await server.client.with("gmiseg_nonsense").get("/v1/jobs/Hans")
            #expect(try await server.client.get("/nothing").status == 404)
            audit.flush()
            let name = try #require(listDirectory(folder.file("audit")).first)
            let lines = try String(contentsOfFile: folder.file("audit/\(name)"), encoding: .utf8)
            let records = try lines.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
            #expect(
                records.map { $0["action"]?.stringValue } == ["GET /v1/tasks", "POST /v1/images", "GET /v1/jobs/{job}"])
            #expect(records.map { $0["status"]?.integerValue } == [401, 403, 401])
            #expect(records[0]["owner"] == .null && records[0]["token"] == .null)
            #expect(records[1]["owner"] == "ana" && records[1]["token"] == .string(token.id))
            #expect(records[1]["request"]?.stringValue == ana.header("X-Request-Id"))
            #expect(!lines.contains("Hans") && !lines.contains("nonsense"))
        }
    }

    private static func retaining(_ retention: Duration) -> (inout Service.Configuration) -> Void {
        { $0.retention = retention }
    }

    @Test func removesWhatHasExpired() async throws {
        let day = Int64(86_400_000)
        let audit = try AuditLog(
            dataFolder: try TemporaryDirectory().path, clock: WallClock { Timestamp(milliseconds: day) },
            log: Logger(label: "test"))
        try await withLiveServer(Self.retaining(.seconds(86_400)), auditLog: audit) { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task()).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let picture = [FormPart("image", bytes: TestImages.disc(), filename: "a.png")]
            _ = try await server.client.post("/v1/images", form: picture)
            _ = try await server.client.post("/v1/tasks", form: Forms.endlessTask())
            audit.flush()
            // Young things stay; the audit log's day, in 1970, does not.
            #expect(server.service.removeExpired() == 1)
            #expect(try await server.client.get("/v1/tasks/\(task)").status == 200)
        }
        // Older than a retention of nothing: the finished task and the image go, and the task at work stays.
        try await withLiveServer(Self.retaining(.seconds(-60))) { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task()).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let picture = [FormPart("image", bytes: TestImages.disc(), filename: "a.png")]
            _ = try await server.client.post("/v1/images", form: picture)
            _ = try await server.client.post("/v1/tasks", form: Forms.endlessTask())
            #expect(server.service.removeExpired() == 2)
            #expect(try await server.client.get("/v1/tasks/\(task)").status == 404)
            #expect(try await server.client.get("/v1/tasks").json["tasks"]?.elements?.count == 1)
            #expect(listDirectory(server.folder.file("data/images")).isEmpty)
        }
    }
}
