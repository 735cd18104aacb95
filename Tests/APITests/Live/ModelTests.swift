import API
import Client
import Foundation
import Jobs
import SegmentAnything
import Storage
import TestSupport
import Testing

/// Several models in one server: requests choose, tasks stay with theirs.
@Suite struct ModelTests {
    private let first = SegmentAnythingModel(configuration: .tiny, randomSeed: 7)
    private let second = SegmentAnythingModel(configuration: .tiny, randomSeed: 8)

    private func both() throws -> ServedModels {
        try ServedModels([ServedModel(first), ServedModel(second, name: "tiny-b")])
    }

    @Test func namesAreUnique() throws {
        let taken = #expect(throws: ServedModels.NameTaken.self) {
            try ServedModels([ServedModel(first), ServedModel(second)])
        }
        #expect(taken?.name == "tiny")
        #expect(taken?.sha256 == [first.sha256, second.sha256])
        #expect(try both().names == ["tiny", "tiny-b"])
        #expect(try both().standard.name == "tiny")
    }

    @Test func allAreListedAndTheFirstIsTheDefault() async throws {
        try await withLiveServer(models: both()) { server in
            let list = try #require(try await server.client.get("/v1/models").json["models"]?.elements)
            #expect(list.compactMap { $0["name"] } == ["tiny", "tiny-b"])
            #expect(list.map { $0["sha256"]?.stringValue } == [first.sha256, second.sha256])
            #expect(list.compactMap { $0["default"] } == [true, false])
            let ready = try await server.client.get("/readyz").json
            #expect(ready["model"] == "tiny")
            #expect(ready["models"] == ["tiny", "tiny-b"])
        }
    }

    @Test func aRequestChooses() async throws {
        try await withLiveServer(models: both()) { server in
            var hashes: [String?] = []
            for model in [nil, "tiny", "tiny-b"] {
                let part = model.map { [FormPart("model", text: $0)] } ?? []
                let answer = try await server.client.post("/v1/segment", form: Forms.segment("{}", part)).json
                hashes.append(answer["receipt"]?["model"]?["sha256"]?.stringValue)
                // The same picture means another embedding to another model.
                #expect(answer["embedding"]?.stringValue == (model == "tiny" ? "cached" : "computed"))
            }
            #expect(hashes == [first.sha256, first.sha256, second.sha256])
            let json: JSON = ["image": .string(Data(TestImages.disc()).base64EncodedString()), "model": "tiny-b"]
            let request = ClientRequest(
                "POST", "/v1/segment", headers: [("Content-Type", "application/json")], body: json.encoded())
            let answer = try await server.client.send(request).json
            #expect(answer["embedding"] == "cached")
            #expect(answer["receipt"]?["model"]?["name"] == "tiny-b")
        }
    }

    @Test func anUnknownNameGetsTheNearest() async throws {
        try await withLiveServer(models: both()) { server in
            let part = FormPart("model", text: "tiny_b")
            let problem = try await server.client.post("/v1/segment", form: Forms.segment("{}", [part])).json
            #expect(problem["status"] == 400)
            #expect(problem["nearest"] == "tiny-b")
            #expect(problem["available"] == ["tiny", "tiny-b"])
        }
    }

    @Test func aTaskStaysWithItsModel() async throws {
        try await withLiveServer(models: both()) { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(model: "tiny-b")).json
            #expect(created["job"]?["state"] == "succeeded", "\(created.text())")
            #expect(
                created["task"]?["model"] == [
                    "name": "tiny-b", "sha256": .string(second.sha256), "served": true,
                ])
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")/segment"
            for part in [[], [FormPart("model", text: "tiny-b")]] {
                let answer = try await client.post(path, form: Forms.segment("{}", part)).json
                #expect(answer["receipt"]?["model"]?["sha256"]?.stringValue == second.sha256)
            }
            let other = try await client.post(path, form: Forms.segment("{}", [FormPart("model", text: "tiny")]))
            #expect(other.status == 400)
            #expect(try other.json["field"] == "model")
        }
    }

    /// The adapter of a task comes from the task's model, not from the default.
    @Test func aJobTrainsTheTasksModel() async throws {
        try await withLiveServer(models: both()) { server in
            let form = Forms.task(model: "tiny-b", steps: 60, count: 3)
            let created = try await server.client.post("/v1/tasks?wait=600", form: form).json
            let version = created["task"]?["versions"]?[0]
            #expect(version?["card"]?["base_sha256"]?.stringValue == second.sha256, "\(created.text())")
        }
    }

    /// A receipt that names one model and the adapter of another is nobody's answer.
    @Test func aReceiptCannotJoinTwoModels() async throws {
        try await withLiveServer(models: both()) { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(model: "tiny-b", steps: 20)).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")/segment?adapter=1"
            let answer = try await client.post(path, form: Forms.segment("{}")).json
            let receipt = try #require(answer["receipt"])
            #expect(receipt["tier"] == "adapted" && receipt["model"]?["sha256"]?.stringValue == second.sha256)
            let scan = Forms.segment()[0]
            let whole = try await client.post("/v1/verify", form: [FormPart("receipt", text: receipt.text()), scan])
            #expect(try whole.json["matches"] == true)
            let joined = receipt.text().replacingOccurrences(of: second.sha256, with: first.sha256)
            let response = try await client.post("/v1/verify", form: [FormPart("receipt", text: joined), scan])
            #expect(response.status == 400)
            #expect(try response.json["field"] == "receipt.model.sha256")
            #expect(try response.json["hint"]?.stringValue?.isEmpty == false)
        }
    }

    @Test func aTaskWhoseModelIsNotServedSaysSo() async throws {
        let folder = try TemporaryDirectory()
        let (ready, waiting) = try await withLiveServer(models: both(), folder: folder) { server in
            let ready = try await server.client.post("/v1/tasks?wait=600", form: Forms.task(model: "tiny-b")).json
            // Still at work when the server stops, and so back in its queue.
            let waiting = try await server.client.post("/v1/tasks", form: Forms.endlessTask(model: "tiny-b")).json
            return (ready, waiting)
        }
        try await withLiveServer(models: ServedModels(first), folder: folder) { server in
            let client = server.client
            let id = try #require(ready["task"]?["id"]?.stringValue)
            let task = try await client.get("/v1/tasks/\(id)").json
            #expect(task["model"] == ["name": "tiny-b", "sha256": .string(second.sha256), "served": false])
            let answer = try await client.post("/v1/tasks/\(id)/segment", form: Forms.segment("{}"))
            #expect(answer.status == 503)
            let problem = try answer.json
            #expect(problem["type"] == "/problems/model-unavailable")
            #expect(problem["detail"]?.stringValue?.contains("tiny-b") == true)
            #expect(problem["hint"]?.stringValue?.contains("--model") == true)
            #expect(problem["available"] == ["tiny"])

            let job = try #require(waiting["job"]?["id"]?.stringValue)
            let ended = await server.service.jobs.wait(for: job, timeout: .seconds(600))
            #expect(ended?.state == .failed)
            #expect(ended?.failure?.code == "model-unavailable")
        }
        // Nothing was lost: with its model the task answers again.
        try await withLiveServer(models: both(), folder: folder) { server in
            let id = try #require(ready["task"]?["id"]?.stringValue)
            #expect(try await server.client.post("/v1/tasks/\(id)/segment", form: Forms.segment("{}")).status == 200)
        }
    }
}
