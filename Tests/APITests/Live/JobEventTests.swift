import API
import Client
import TestSupport
import Testing

@Suite struct JobEventTests {
    /// The events of a stream: id, type and data.
    private static func events(_ text: String) throws -> [(id: Int, event: String, data: JSON)] {
        try text.split(separator: "\n\n").filter { !$0.hasPrefix(":") }.map { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                let halves = line.split(separator: ":", maxSplits: 1).map(String.init)
                fields[halves[0]] = halves.count > 1 ? String(halves[1].dropFirst()) : ""
            }
            return (
                try #require(fields["id"].flatMap { Int($0) }), fields["event"] ?? "",
                try JSONParser.parse(Array((fields["data"] ?? "").utf8))
            )
        }
    }

    private func job(_ server: LiveServer, _ form: [FormPart], wait: Int = 0) async throws -> String {
        let created = try await server.client.post("/v1/tasks?wait=\(wait)", form: form).json
        return try #require(created["job"]?["id"]?.stringValue)
    }

    @Test func tellsAJobToItsEnd() async throws {
        try await withLiveServer { server in
            let job = try await job(server, Forms.task(steps: 40))
            let answer = try await server.client.get("/v1/jobs/\(job)/events")
            #expect(answer.status == 200)
            #expect(answer.header("Content-Type") == "text/event-stream")
            #expect(answer.header("Cache-Control") == "no-store")
            let events = try Self.events(answer.text)
            #expect(events.allSatisfy { $0.event == "job" && $0.data["id"]?.stringValue == job })
            #expect(events.map(\.id) == events.map(\.id).sorted())
            #expect(Set(events.map(\.id)).count == events.count)
            let last = try #require(events.last)
            #expect(last.data["state"] == "succeeded")
            #expect(last.data == (try await server.client.get("/v1/jobs/\(job)").json))
        }
    }

    @Test func resumes() async throws {
        try await withLiveServer { server in
            let job = try await job(server, Forms.task(), wait: 60)
            let first = try await server.client.get("/v1/jobs/\(job)/events")
            let id = try #require(try Self.events(first.text).first?.id)
            let path = "/v1/jobs/\(job)/events"
            // What was missed comes; what was seen does not, and 204 ends the coming back.
            #expect(
                try Self.events(await server.client.get(path, headers: [("Last-Event-ID", "\(id - 1)")]).text).count
                    == 1)
            #expect(try await server.client.get(path, headers: [("Last-Event-ID", "\(id)")]).status == 204)
            #expect(try await server.client.send(ClientRequest("HEAD", path)).status == 200)
        }
    }

    /// Such as one from before a backup was put back: the client hears of the end all the same.
    @Test func anEventThatNeverWasHidesNothing() async throws {
        try await withLiveServer { server in
            for form in [Forms.task(), Forms.task(steps: 40)] {
                let job = try await job(server, form)
                let answer = try await server.client.get(
                    "/v1/jobs/\(job)/events", headers: [("Last-Event-ID", "\(Int.max)")])
                #expect(try Self.events(answer.text).last?.data["state"] == "succeeded")
            }
        }
    }

    @Test func endsWithItsTask() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks", form: Forms.endlessTask()).json
            let job = try #require(created["job"]?["id"]?.stringValue)
            let task = try #require(created["task"]?["id"]?.stringValue)
            async let stream = server.client.get("/v1/jobs/\(job)/events")
            #expect(try await server.client.delete("/v1/tasks/\(task)").status == 200)
            let answer = try await stream
            // The stream may have come too late to find the job.
            if answer.status == 200 { #expect(try Self.events(answer.text).last?.data["state"] == "cancelled") }
        }
    }

    @Test func aStoppingServerEndsItsStreams() async throws {
        let server = try LiveServer()
        let created = try await server.client.post("/v1/tasks", form: Forms.endlessTask()).json
        let job = try #require(created["job"]?["id"]?.stringValue)
        async let stream = server.client.get("/v1/jobs/\(job)/events")
        while try await server.client.get("/v1/jobs/\(job)").json["state"] == "queued" {}
        server.service.stop {}
        // The end of a chunked body: the client was not cut off.
        #expect([200, 503].contains(try await stream.status))
        await server.stop()
    }

    @Test(arguments: ["-1", "abc", "1.5"]) func refusesWhatIsNoEventID(_ id: String) async throws {
        try await withLiveServer { server in
            let job = try await job(server, Forms.task())
            let answer = try await server.client.get("/v1/jobs/\(job)/events", headers: [("Last-Event-ID", id)])
            #expect(answer.status == 400)
            #expect(try answer.json["field"] == "Last-Event-ID")
        }
    }

    @Test func refusesOtherFormsAndUnknownJobs() async throws {
        try await withLiveServer { server in
            let job = try await job(server, Forms.task())
            let path = "/v1/jobs/\(job)/events"
            #expect(try await server.client.get(path, headers: [("Accept", "application/json")]).status == 406)
            #expect(try await server.client.get(path + "?since=1").status == 400)
            #expect(try await server.client.get("/v1/jobs/job_0000000000000000/events").status == 404)
        }
    }
}
