import API
import Client
import Foundation
import Imaging
import TestSupport
import Testing

@Suite struct TaskTests {
    /// A disk that is full when the training is over costs nothing of it: with a job's own folder gone, which is no better, there is an adapter
    /// all the same.
    @Test func anAdapterNeedsNoFileOfTheJobs() async throws {
        try await withLiveServer { server in
            let staging = server.folder.file("data/staging")
            var (isGone, state) = (false, JSON?.none)
            // One that is over before its folder was seen proves nothing.
            for _ in 0..<20 where !isGone {
                let created = try await server.client.post("/v1/tasks", form: Forms.task(steps: 60, count: 3)).json
                let job = try #require(created["job"]?["id"]?.stringValue)
                repeat {
                    for name in listDirectory(staging) where name.hasPrefix("scratch_") {
                        isGone = (try? FileManager.default.removeItem(atPath: "\(staging)/\(name)")) != nil || isGone
                    }
                    state = try await server.client.get("/v1/jobs/\(job)").json["state"]
                } while state == "queued" || state == "running"
            }
            #expect(isGone && state == "succeeded")
        }
    }

    @Test func fromExamplesToAnAdapter() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(steps: 60, count: 3))
            #expect(created.status == 201)
            let answer = try created.json
            let task = try #require(answer["task"]?["id"]?.stringValue)
            #expect(created.header("Location") == "/v1/tasks/\(task)")
            #expect(answer["pairing"]?["by"] == "stem")
            let job = try #require(answer["job"])
            #expect(job["state"] == "succeeded", "\(job.text())")
            #expect(job["progress"]?.doubleValue == 1)
            #expect(job["step"] == 60)
            let result = job["result"]
            try checkHeldOut(result?["held_out"])
            #expect(result?["recipes"]?.elements?.count { $0["chosen"] == true } == 1)
            #expect(result?["served"] == true, "\(result?.text() ?? "")")

            let shown = try await client.get("/v1/tasks/\(task)").json
            #expect(shown["tier"] == "adapted")
            #expect(shown["state"] == "ready")
            #expect(shown["spacing_mm"] == [0.5, 0.5])
            #expect(shown["labels"] == ["disc"])
            #expect(shown["served_version"] == 1)
            #expect(shown["held_out"] == result?["held_out"])
            #expect(shown["held_out_reason"] == .null)
            #expect(shown["support"]?.elements?.map { $0["stem"]?.stringValue } == ["0", "1", "2"])
            #expect(try await client.get("/v1/tasks").json["tasks"]?[0]?["id"]?.stringValue == task)
            #expect(try await client.get("/v1/jobs?task=\(task)").json["jobs"]?.elements?.count == 1)

            let segmented = try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(segmented["tier"] == "adapted")
            #expect(segmented["adapter_version"] == 1)
            #expect(segmented["spacing_mm"] == [0.5, 0.5])
            let base = try await client.post("/v1/segment", form: Forms.segment("{}")).json
            #expect(base["tier"] == "base")
            #expect(base["masks"] != segmented["masks"])
            // A decoder's adapter leaves the encoder alone: one embedding serves both.
            #expect(base["embedding"] == "cached")

            // Of several candidates the one that was taught comes first.
            let address = "/v1/tasks/\(task)/segment?adapter=1"
            let box = #"{"boxes": [{"x0": 10, "y0": 10, "x1": 34, "y1": 30}]}"#
            let plain = try await client.post(address, form: Forms.segment(box)).json
            let several = try await client.post(
                address, form: Forms.segment(box, [FormPart("multimask", text: "true")])
            ).json
            #expect(several["masks"]?.elements?.count == 4)
            #expect(several["masks"]?[0]?["png"] == plain["masks"]?[0]?["png"])
            #expect(several["masks"]?[0]?["candidate"] == 0)

            try await checkDownload(client, task, sha256: segmented["receipt"]?["adapter_sha256"]?.stringValue)
            try await checkDeletion(client, task, job: job["id"]?.stringValue ?? "")
        }
    }

    private func checkHeldOut(_ heldOut: JSON?) throws {
        #expect(heldOut?["method"] == "leave-one-out")
        #expect(heldOut?["folds"] == 3)
        #expect(heldOut?["grouped_by"] == .null)
        for kind in ["box", "point", "none"] {
            for side in ["base", "adapted"] {
                let score = heldOut?["prompts"]?[kind]?[side]
                for measure in ["dice", "jaccard", "asd_px", "hd95_px", "asd_mm", "hd95_mm"] {
                    // An empty answer has no distances; everything else is there.
                    guard let interval = score?[measure], interval != .null || measure.hasPrefix("a") else { continue }
                    let ends = ["low", "mean", "high"].compactMap { interval[$0]?.doubleValue }
                    #expect(interval == .null || ends == ends.sorted() && ends.count == 3)
                }
                #expect((0...1).contains(try #require(score?["dice"]?["mean"]?.doubleValue)))
            }
            #expect(heldOut?["prompts"]?[kind]?["gain"]?["mean"]?.doubleValue != nil)
            #expect(heldOut?["gate"]?["prompts"]?[kind]?["served"] == true)
        }
        #expect(heldOut?["gate"]?["margin"]?.doubleValue == -1)
        #expect(heldOut?["influence"]?.elements?.map { $0["stem"]?.stringValue } == ["0", "1", "2"])
    }

    @Test func withoutAGainTheBaseGoesOnAnswering() async throws {
        try await withLiveServer { server in
            let client = server.client
            // No adapter gains a whole Dice.
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(count: 3, margin: 1)).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let gate = created["job"]?["result"]?["held_out"]?["gate"]
            #expect(gate?["served"] == false)
            #expect(gate?["margin"]?.doubleValue == 1)
            #expect(created["job"]?["result"]?["served"] == false)
            #expect(created["task"]?["tier"] == "base")
            #expect(created["task"]?["tier_reason"] == gate?["reason"])
            #expect(created["task"]?["versions"]?.elements?.count == 1)
            let answer = try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(answer["tier"] == "base")
            #expect(answer["tier_reason"] == gate?["reason"])
        }
    }

    @Test func oneImageIsUnvalidated() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=600", form: Forms.task(count: 1)).json
            let result = created["job"]?["result"]
            #expect(result?["held_out"] == .null)
            #expect(result?["held_out_reason"]?.stringValue?.hasPrefix("unvalidated") == true)
            #expect(created["task"]?["held_out_reason"] == result?["held_out_reason"])
            let task = created["task"]?["id"]?.stringValue ?? ""
            let answer = try await server.client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(answer["tier"] == "adapted")
            #expect(answer["tier_reason"] == result?["held_out_reason"])
        }
    }

    @Test func anUnknownStemAmongThePatientsIsRefused() async throws {
        try await withLiveServer { server in
            var form = Forms.task()
            form[0] = FormPart("task", text: #"{"name": "d", "patients": {"0": "a", "11": "b"}}"#)
            let answer = try await server.client.post("/v1/tasks", form: form)
            #expect(answer.status == 400)
            #expect(try answer.json["field"] == "task.patients.11")
        }
    }

    private func checkDownload(_ client: TestClient, _ task: String, sha256: String?) async throws {
        let file = try await client.get("/v1/tasks/\(task)/adapter")
        #expect(file.status == 200)
        let tag = try #require(file.header("ETag"))
        #expect(tag == "\"\(sha256 ?? "")\"")
        #expect(file.header("Content-Disposition")?.contains("disc-v1.safetensors") == true)
        #expect(file.body.count > 8)
        let again = try await client.get("/v1/tasks/\(task)/adapter", headers: [("If-None-Match", "\"x\", \(tag)")])
        #expect(again.status == 304)
        #expect(again.body == [])
        let missing = try await client.get("/v1/tasks/\(task)/adapter?version=9")
        #expect(missing.status == 404)
    }

    private func checkDeletion(_ client: TestClient, _ task: String, job: String) async throws {
        let ended = try await client.delete("/v1/jobs/\(job)")
        #expect(ended.status == 409)
        let deletion = try await client.delete("/v1/tasks/\(task)")
        #expect(deletion.status == 200)
        #expect(try deletion.json["jobs"] == [.string(job)])
        for path in ["/v1/tasks/\(task)", "/v1/tasks/\(task)/adapter", "/v1/jobs/\(job)"] {
            #expect(try await client.get(path).status == 404)
        }
        #expect(try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment()).status == 404)
        #expect(try await client.delete("/v1/tasks/\(task)").status == 404)
    }

    @Test func answersFromTheBaseUntilTheAdapterIsReady() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks", form: Forms.endlessTask())
            #expect(created.status == 202)
            let task = try #require(try created.json["task"]?["id"]?.stringValue)
            let job = try #require(try created.json["job"]?["id"]?.stringValue)
            let answer = try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(answer["tier"] == "base")
            #expect(answer["tier_reason"]?.stringValue?.isEmpty == false)
            let adapter = try await client.get("/v1/tasks/\(task)/adapter")
            #expect(adapter.status == 409)
            #expect(try adapter.json["type"] == "/problems/adapter-not-ready")

            let cancelled = try await client.delete("/v1/jobs/\(job)")
            #expect([200, 202].contains(cancelled.status))
            let last = try await ended(client, job)
            #expect(last["state"] == "cancelled")
            let after = try await client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(after["tier_reason"] == "the adaptation was cancelled")
        }
    }

    @Test func aTaskDeletedDuringItsJobIsGoneForWhoeverWaits() async throws {
        try await withLiveServer { server in
            let client = server.client
            async let waiting = client.post("/v1/tasks?wait=600", form: Forms.endlessTask())
            var task: String?
            while task == nil {
                task = try await client.get("/v1/jobs").json["jobs"]?.elements?
                    .first { $0["state"] == "running" }?["task"]?.stringValue
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await client.delete("/v1/tasks/\(task ?? "")").status == 200)
            let answer = try await waiting
            #expect(answer.status == 410)
            #expect(try answer.json["type"] == "/problems/task-deleted")
            // The queue goes on with the next job.
            let next = try await client.post("/v1/tasks?wait=600", form: Forms.task())
            #expect(next.status == 201)
            #expect(try next.json["job"]?["state"] == "succeeded")
        }
    }

    @Test func pairsByOrderWhenNamesSayNothing() async throws {
        try await withLiveServer { server in
            let parts = [
                FormPart("task", text: #"{"name": "d", "adaptation": {"steps": 1}}"#),
                FormPart("image", bytes: TestImages.disc(), filename: "scan.png"),
                FormPart("mask", bytes: TestImages.mask(), filename: "truth.png"),
            ]
            let answer = try await server.client.post("/v1/tasks", form: parts).json
            #expect(answer["pairing"]?["by"] == "order")
        }
    }

    @Test func pagesThroughTasksAndJobs() async throws {
        try await withLiveServer { server in
            for index in 0..<3 {
                _ = try await server.client.post("/v1/tasks", form: Forms.task(name: "\(index)", steps: 1))
            }
            var names: [String] = []
            var after = ""
            repeat {
                let page = try await server.client.get("/v1/tasks?limit=2\(after)").json
                names += page["tasks"]?.elements?.compactMap { $0["name"]?.stringValue } ?? []
                after = page["next"]?.stringValue.map { "&after=\($0)" } ?? ""
            } while !after.isEmpty
            #expect(names == ["2", "1", "0"])
            let jobs = try await server.client.get("/v1/jobs?limit=2").json
            #expect(jobs["jobs"]?.elements?.count == 2)
            let rest = try await server.client.get("/v1/jobs?limit=2&after=\(jobs["next"]?.stringValue ?? "")").json
            #expect(rest["jobs"]?.elements?.count == 1)
            #expect(rest["next"] == .null)
        }
    }

    private func ended(_ client: TestClient, _ job: String) async throws -> JSON {
        while true {
            let answer = try await client.get("/v1/jobs/\(job)").json
            if ["succeeded", "failed", "cancelled"].contains(answer["state"]?.stringValue) { return answer }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
