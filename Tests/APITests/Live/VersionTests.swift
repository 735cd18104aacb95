import API
import Client
import SegmentAnything
import TestSupport
import Testing

/// A task that grows: more support, versions, adapters from elsewhere.
@Suite struct VersionTests {
    /// Examples beside those of `Forms.task`.
    private static func more(_ indices: ClosedRange<Int>) -> [FormPart] {
        indices.flatMap { index in
            let x = 16 + 3 * index
            return [
                FormPart("image", bytes: TestImages.disc(x: x, radius: 18), filename: "\(index).png"),
                FormPart("mask", bytes: TestImages.mask(x: x, radius: 18), filename: "\(index)_mask.png"),
            ]
        }
    }

    private static func json(_ path: String, _ method: String, _ body: String) -> ClientRequest {
        ClientRequest(method, path, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
    }

    @Test func moreSupportMakesTheNextVersion() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(steps: 20, count: 3)).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let grown = try await client.post("/v1/tasks/\(task)/support?wait=600&priority=7", form: Self.more(3...4))
            #expect(grown.status == 201, "\(grown.text)")
            let answer = try grown.json
            #expect(answer["job"]?["priority"] == 7)
            #expect(answer["pairing"]?["by"] == "stem")
            #expect(answer["task"]?["support_count"] == 5)
            #expect(answer["task"]?["versions"]?.elements?.map { $0["version"]?.integerValue } == [1, 2])
            let heldOut = answer["job"]?["result"]?["held_out"]
            #expect(heldOut?["folds"] == 5)
            #expect(heldOut?["compared_with"]?["version"] == 1)
            #expect(heldOut?["compared_with"]?["examples"] == 2)
            #expect(heldOut?["compared_with"]?["gain"]?["mean"]?.doubleValue != nil)
            let second = answer["task"]?["versions"]?[1]
            #expect(second?["held_out"] == heldOut)
            #expect(second?["card"]?["support_count"] == 5)
            #expect(second?["card"]?["imported"] == false)
            // Its tensors are those of the first, trained on.
            let first = answer["task"]?["versions"]?[0]
            #expect(first?["card"]?["continued"] == .null)
            let continued = second?["card"]?["continued"]
            #expect(continued?["sha256"] == first?["sha256"] && continued?["support_count"] == 3)
            #expect(continued?["steps"] == first?["card"]?["steps"])
            #expect(second?["card"]?["notes"]?["support_sha256"]?.elements?.count == 5)
            #expect(second?["card"]?["notes"]?["held_out_dice"]?["box"]?.elements?.count == 2)

            try await checkServing(client, task)
            try await checkDeleting(client, task)
        }
    }

    private func checkServing(_ client: TestClient, _ task: String) async throws {
        let pinned = try await client.post("/v1/tasks/\(task)/segment?adapter=1", form: Forms.segment("{}")).json
        #expect(pinned["adapter_version"] == 1 && pinned["tier"] == "adapted")
        let nowhere = try await client.post("/v1/tasks/\(task)/segment?adapter=9", form: Forms.segment("{}"))
        #expect(nowhere.status == 404)
        #expect(try nowhere.json["field"] == "query.adapter")

        let path = "/v1/tasks/\(task)/served_version"
        for (version, served) in [("1", JSON.integer(1)), ("2", .integer(2)), ("null", .null)] {
            let answer = try await client.send(Self.json(path, "PUT", "{\"version\": \(version)}"))
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try answer.json["served_version"] == served)
            #expect(try await client.get("/v1/tasks/\(task)").json["served_version"] == served)
        }
        let base = try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
        #expect(base["tier"] == "base")
        for (body, status, field) in [
            (#"{"version": 9}"#, 404, "version"), (#"{"version": 0}"#, 400, "version"), ("{}", 400, "version"),
            (#"{"verison": 1}"#, 400, "verison"), ("[]", 400, "body"),
        ] {
            let answer = try await client.send(Self.json(path, "PUT", body))
            #expect(answer.status == status)
            #expect(try answer.json["field"]?.stringValue == field)
        }
    }

    private func checkDeleting(_ client: TestClient, _ task: String) async throws {
        _ = try await client.send(Self.json("/v1/tasks/\(task)/served_version", "PUT", #"{"version": 1}"#))
        let inUse = try await client.delete("/v1/tasks/\(task)/adapter?version=1")
        #expect(inUse.status == 409)
        #expect(try inUse.json["type"] == "/problems/version-served")
        #expect(try await client.delete("/v1/tasks/\(task)/adapter").status == 400)
        #expect(try await client.delete("/v1/tasks/\(task)/adapter?version=2").status == 200)
        #expect(try await client.delete("/v1/tasks/\(task)/adapter?version=2").status == 404)
        #expect(try await client.get("/v1/tasks/\(task)/adapter?version=2").status == 404)
        #expect(try await client.get("/v1/tasks/\(task)").json["versions"]?.elements?.count == 1)
        // A number is never given twice.
        let third = try await client.post("/v1/tasks/\(task)/support?wait=600", form: Self.more(5...5)).json
        #expect(third["task"]?["versions"]?.elements?.map { $0["version"]?.integerValue } == [1, 3])
    }

    @Test func badSupportIsRefusedAndLeavesTheTaskAsItWas() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task()).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")"
            let patients = FormPart("patients", text: #"{"8": "a"}"#)
            let rows: [(form: [FormPart], query: String, status: Int, field: String)] = [
                (Self.more(0...0), "", 400, "image[0]"), (Array(Self.more(5...5).prefix(1)), "", 400, "mask"),
                ([FormPart("task", text: "{}")] + Self.more(5...5), "", 400, "task"),
                (Self.more(5...5) + [patients], "", 400, "patients.8"),
                (Self.more(5...5), "?priority=101", 400, "query.priority"),
            ]
            for row in rows {
                let answer = try await client.post("\(path)/support\(row.query)", form: row.form)
                #expect(answer.status == row.status, "\(answer.text)")
                #expect(try answer.json["field"]?.stringValue == row.field)
            }
            #expect(try await client.get(path).json["support_count"] == 2)
            #expect(
                try await client.post("/v1/tasks/task_0000000000000000/support", form: Self.more(5...5)).status == 404)
        }
    }

    /// More examples change nothing of what a version from before them says, so that its held-out scores and receipts hold.
    @Test func aVersionAnswersByTheExamplesThatTaughtIt() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(count: 3)).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")"
            func answer(_ version: Int) async throws -> JSON {
                try await client.post("\(path)/segment?adapter=\(version)", form: Forms.segment("{}")).json
            }
            let before = try await answer(1)
            #expect(before["promptless"]?["route"] == "model", "\(before.text())")
            let grown = try await client.post("\(path)/support?wait=600", form: Self.more(3...5))
            #expect(grown.status == 201, "\(grown.text)")
            let after = try await answer(1)
            #expect(after["receipt"] == before["receipt"] && after["masks"] == before["masks"])
            let next = try await answer(2)
            let profiles = [before, next].map { $0["receipt"]?["promptless"]?["profile_sha256"] }
            #expect(profiles[0] != nil && profiles[1] != nil && profiles[0] != profiles[1])
        }
    }

    /// Not those that came while it waited, which have a job of their own.
    /// But no fewer than taught the version that a job of a higher priority has made meanwhile.
    @Test(arguments: [(0, [3, 5, 6]), (7, [5, 5, 6])])
    func aJobLearnsFromTheExamplesThatItWasQueuedFor(_ priority: Int, _ expected: [Int]) async throws {
        try await withLiveServer { server in
            let client = server.client
            let busy = try await client.post("/v1/tasks", form: Forms.endlessTask()).json["job"]?["id"]?.stringValue
            let created = try await client.post("/v1/tasks", form: Forms.task(count: 3)).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")/support"
            #expect(try await client.post("\(path)?priority=\(priority)", form: Self.more(3...4)).status == 202)
            _ = try await client.delete("/v1/jobs/\(busy ?? "")")
            let grown = try await client.post("\(path)?wait=600", form: Self.more(5...5)).json
            let counts = grown["task"]?["versions"]?.elements?.map { $0["card"]?["support_count"]?.integerValue }
            #expect(counts == expected)
        }
    }

    /// Whoever takes a version back while the next one is made wants what they chose, not what started from the other.
    @Test func aChoiceMadeDuringAJobStays() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(steps: 400, count: 3)).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")"
            let grown = try await client.post("\(path)/support", form: Self.more(3...4))
            let job = "/v1/jobs/\(try grown.json["job"]?["id"]?.stringValue ?? "")"
            var state: JSON?
            while state != "running" { state = try await client.get(job).json["state"] }
            // It reads what is served first of all, and its first step comes after that.
            while try await client.get(job).json["step"] == 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(
                try await client.send(Self.json("\(path)/served_version", "PUT", #"{"version": null}"#)).status == 200)
            var ended = try await client.get(job).json
            while ended["finished_at"] == .null {
                try await Task.sleep(for: .milliseconds(50))
                ended = try await client.get(job).json
            }
            #expect(ended["state"] == "succeeded" && ended["result"]?["served"] == false, "\(ended.text())")
            #expect(ended["result"]?["served_reason"]?.stringValue?.hasPrefix("another version was chosen") == true)
            let task = try await client.get(path).json
            #expect(task["served_version"] == .null && task["versions"]?.elements?.count == 2)
        }
    }

    @Test func anAdapterMovesToAnotherTask() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(count: 3)).json
            let first = created["task"]?["id"]?.stringValue ?? ""
            let file = try await client.get("/v1/tasks/\(first)/adapter").body
            let form = [
                FormPart("task", text: #"{"name": "copy"}"#),
                FormPart("adapter", bytes: file, filename: "a.safetensors"),
            ]
            let imported = try await client.post("/v1/tasks", form: form)
            #expect(imported.status == 201, "\(imported.text)")
            let copy = try imported.json["task"]
            #expect(copy?["tier"] == "adapted")
            #expect(copy?["versions"]?[0]?["card"]?["imported"] == true)
            #expect(copy?["versions"]?[0]?["sha256"] == created["task"]?["versions"]?[0]?["sha256"])
            #expect(copy?["labels"] == ["disc"], "the adapter brings its label's name")
            #expect(copy?["held_out_reason"]?.stringValue?.hasPrefix("unvalidated") == true)
            #expect(try imported.json["job"] == .null)
            // By a box: what an answer without a prompt rests on, the support set, does not move along.
            let box = Forms.segment(#"{"boxes": [{"x0": 2, "y0": 2, "x1": 38, "y1": 36}]}"#)
            let answers = try await [first, copy?["id"]?.stringValue ?? ""].asyncMap {
                try await client.post("/v1/tasks/\($0)/segment?adapter=1", form: box).json["masks"]?[0]?["png"]
            }
            #expect(answers[0] == answers[1] && answers[0] != nil)
            // It knows what is meant without its support set: its mask is cut, and nothing else is looked for.
            let objects = Forms.segment("{}", [FormPart("instances", text: "true")])
            let found = try await client.post(
                "/v1/tasks/\(copy?["id"]?.stringValue ?? "")/segment?adapter=1", form: objects)
            #expect(try found.json["promptless"]?["route"] == "model", "\(found.text)")

            // Its maker has measured it: one that nobody could measure, by a single image, does not take its place.
            let unmeasured = try await client.post(
                "/v1/tasks/\(copy?["id"]?.stringValue ?? "")/support?wait=600", form: Self.more(5...5)
            ).json
            #expect(unmeasured["job"]?["result"]?["served"] == false, "\(unmeasured.text())")
            #expect(unmeasured["job"]?["result"]?["served_reason"]?.stringValue?.contains("version 1") == true)
            #expect(unmeasured["task"]?["served_version"] == 1)
            // It may have begun with the imported tensors: what taught those has taught it.
            let taught = unmeasured["task"]?["versions"]?[1]?["card"]?["notes"]?["support_sha256"]?.elements
            #expect(taught?.count == 4 && Set(taught?.compactMap(\.stringValue) ?? []).count == 4)

            // With examples of its own, it is where their adapter starts from.
            let grown = try await client.post("/v1/tasks?wait=600", form: Forms.task(count: 3, extra: [form[1]])).json
            #expect(grown["task"]?["versions"]?.elements?.count == 2)
            // They are those that taught it, as its card says, and no ground to compare on; others are.
            let heldOut = grown["job"]?["result"]?["held_out"]
            #expect(heldOut?["prompts"] != nil && heldOut?["compared_with"] == .null)
            let path = "/v1/tasks/\(grown["task"]?["id"]?.stringValue ?? "")/support?wait=600"
            let more = try await client.post(path, form: Self.more(3...5)).json
            #expect(more["job"]?["result"]?["held_out"]?["compared_with"]?["examples"] == 3)

            for bytes in [Array(file.dropLast(9)), [], Array("no adapter".utf8)] {
                let answer = try await client.post(
                    "/v1/tasks", form: [form[0], FormPart("adapter", bytes: bytes, filename: "a.safetensors")])
                #expect(answer.status == 422)
                #expect(try answer.json["type"] == "/problems/unusable-adapter")
            }
            try await refusedElsewhere(form, base: created["task"]?["model"]?["sha256"])
        }
    }

    private func refusedElsewhere(_ form: [FormPart], base: JSON?) async throws {
        let other = ServedModels(SegmentAnythingModel(configuration: .tiny, randomSeed: 8))
        try await withLiveServer(models: other) { server in
            let answer = try await server.client.post("/v1/tasks", form: form)
            #expect(answer.status == 422)
            #expect(try answer.json["type"] == "/problems/wrong-base")
            #expect(try answer.json["adapter_base_sha256"] == base)
            #expect(try answer.json["model_sha256"]?.stringValue == other.standard.model.sha256)
            #expect(try await server.client.get("/v1/tasks").json["tasks"] == [])
        }
    }

    @Test func theSupportSetCanBeReadBack() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task()).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")/support"
            let image = try await client.get(path + "/1/image")
            #expect(image.status == 200)
            #expect(image.header("Content-Type") == "image/png")
            #expect(image.body == TestImages.disc(x: 19, radius: 18))
            #expect(try await client.get(path + "/1/mask").body == TestImages.mask(x: 19, radius: 18))
            let tag = try #require(image.header("ETag"))
            #expect(try await client.get(path + "/1/image", headers: [("If-None-Match", tag)]).status == 304)
            let missing = try await client.get(path + "/7/image")
            #expect(missing.status == 404)
            #expect(try missing.json["field"] == "stem")
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
