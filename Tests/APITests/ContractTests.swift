import API
import Client
import Foundation
import HTTPTypes
import TestSupport
import Testing

/// `openapi.yaml` against the router and against what the server answers.
@Suite struct ContractTests {
    private static func contract() throws -> String {
        try String(contentsOfFile: Fixtures.repository("openapi.yaml"), encoding: .utf8)
    }

    /// `GET /v1/tasks` and so on: two-space keys that begin with a slash, and the methods four spaces deep below them.
    private static func operations(_ text: String) -> Set<String> {
        var (path, operations) = ("", Set<String>())
        for line in text.split(separator: "\n") {
            let indentation = line.prefix { $0 == " " }.count
            let key = line.dropFirst(indentation).prefix { $0 != ":" }
            if indentation == 0 { path = "" }
            if indentation == 2, key.hasPrefix("/") { path = String(key) }
            if indentation == 4, !path.isEmpty, ["get", "post", "put", "delete", "patch"].contains(key) {
                operations.insert("\(key.uppercased()) \(path)")
            }
        }
        return operations
    }

    @Test func listsEveryRouteAndNoOther() async throws {
        let written = Self.operations(try Self.contract())
        try await withLiveServer { server in
            let served = Set(server.handler.routes.map { "\($0.method.rawValue) \($0.pattern)" })
            #expect(served.subtracting(written) == [])
            #expect(written.subtracting(served) == [])
            #expect(served.count > 15)
        }
    }

    /// The text of each operation under `/v1/`, by names such as `get /v1/tasks`.
    private static func blocks(_ text: String) -> [String: String] {
        var (path, operation, blocks) = ("", "", [String: String]())
        for line in text.split(separator: "\n") {
            if !line.hasPrefix(" ") { path = "" }
            if line.hasPrefix("  /") { path = String(line.dropFirst(2).dropLast()) }
            if line.hasPrefix("    "), !line.hasPrefix("     ") { operation = String(line.dropFirst(4).dropLast()) }
            if path.hasPrefix("/v1/"), operation != "parameters" {
                blocks["\(operation) \(path)", default: ""] += line + "\n"
            }
        }
        return blocks
    }

    /// What every operation under `/v1/` can answer, whatever it does: each refuses query items that it does not know.
    @Test func namesTheAnswersOfTheGate() throws {
        let blocks = Self.blocks(try Self.contract())
        #expect(blocks.count > 12)
        for (name, text) in blocks where text.contains("responses:") && !text.contains("responses: *") {
            for status in ["400", "401", "403", "429"] + (name.hasPrefix("post ") ? ["409"] : []) {
                #expect(text.contains("'\(status)':"), "\(name) \(status)")
            }
        }
    }

    /// What can be asked for on a condition can be asked for in parts (`Download`).
    @Test func namesTheAnswersOfDownloads() throws {
        let downloads = Self.blocks(try Self.contract()).filter { $0.value.contains("'304':") }
        #expect(downloads.count == 3)
        for (name, text) in downloads {
            for status in ["206", "412", "416"] { #expect(text.contains("'\(status)':"), "\(name) \(status)") }
            for parameter in ["IfNoneMatch", "Range"] {
                #expect(text.contains("'#/components/parameters/\(parameter)'"), "\(name) \(parameter)")
            }
        }
    }

    /// The example of an unknown field is what the server says.
    @Test func quotesTheServer() async throws {
        let text = try Self.contract()
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(#"{"point": []}"#))
            #expect(answer.status == 400)
            let hint = try #require(try answer.json["hint"]?.stringValue)
            #expect(text.contains("hint: '\(hint)'"), "\(hint)")
        }
    }

    /// A version is a number: its body has a small limit of its own.
    @Test func namesTheLimitOfServedVersion() async throws {
        let block = Self.blocks(try Self.contract())["put /v1/tasks/{task}/served_version"]
        #expect(block?.contains("'413':") == true)
        try await withLiveServer { server in
            let answer = try await server.client.send(
                ClientRequest(
                    "PUT", "/v1/tasks/task_0000000000000000/served_version",
                    headers: [("Content-Type", "application/json")],
                    body: [UInt8](repeating: UInt8(ascii: " "), count: (1 << 16) + 1)))
            #expect(answer.status == 413, "\(answer.text)")
        }
    }

    @Test func isServedAsItIs() async throws {
        let text = try Self.contract()
        try await withLiveServer {
            $0.contract = Array(text.utf8)
        } _: { server in
            let answer = try await server.client.get("/openapi.yaml")
            #expect(answer.text == text)
            #expect(answer.header("Content-Type") == "application/yaml")
            let tag = try #require(answer.header("ETag"))
            let known = try await server.client.get("/openapi.yaml", headers: [("If-None-Match", tag)])
            #expect(known.status == 304 && known.body.isEmpty)
            let part = try await server.client.get("/openapi.yaml", headers: [("Range", "bytes=0-6")])
            #expect(part.status == 206 && part.text == "openapi")
        }
    }

    /// Every member of an answer stands in the contract.
    @Test func namesEveryMemberOfTheAnswers() async throws {
        let text = try Self.contract()
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=60", form: Forms.task()).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let truth = FormPart("ground_truth", bytes: TestImages.mask(), filename: "t.png")
            let answers = [
                created, try await client.get("/v1/tasks/\(task)").json, try await client.get("/v1/jobs").json,
                try await client.post(
                    "/v1/tasks/\(task)/segment",
                    form: Forms.segment("{}", [truth, FormPart("uncertainty", text: "true")])
                ).json,
                try await client.post(
                    "/v1/images", form: [FormPart("image", bytes: TestImages.disc(), filename: "a.png")]
                ).json,
                try await client.get("/v1/models").json, try await client.get("/readyz").json,
                try await client.get("/nothing").json,
            ]
            let receipt = FormPart("receipt", text: answers[3].text())
            let scan = FormPart("image", bytes: TestImages.disc(), filename: "a.png")
            let verdict = try await client.post("/v1/verify", form: [receipt, scan]).json
            #expect(verdict["matches"] == true)
            var names: Set<String> = []
            for answer in answers + [verdict] { Self.collect(answer, into: &names) }
            // Members of free-form objects: an adapter's card, counts by name.
            let free: Set = [
                "format_version", "base_model", "base_sha256", "support_count", "entries", "hits", "misses", "shared",
                "queued", "running", "succeeded", "failed", "cancelled",
            ]
            for name in names.subtracting(free).sorted() {
                let isNamed = ["\(name): ", "\(name):\n", "{\(name):", "\(name):"].contains { text.contains($0) }
                #expect(isNamed, "\(name)")
            }
            #expect(names.count > 60)
        }
    }

    private static func collect(_ json: JSON, into names: inout Set<String>) {
        for member in json.members ?? [] {
            names.insert(member.name)
            collect(member.value, into: &names)
        }
        for element in json.elements ?? [] { collect(element, into: &names) }
    }
}
