import API
import Basics
import Client
import TestSupport
import Testing

/// Jobs that would take more memory than the server may.
@Suite struct MemoryTests {
    private static func budget(_ name: String) -> MemoryBudget {
        switch name {
        // More than any process takes less of.
        case "taken": return MemoryBudget(bytes: 1 << 20)
        case "expected": return MemoryBudget(bytes: 1 << 20, used: { 0 })
        default:
            // Within bounds until training is under way.
            let questions = Lock(0)
            return MemoryBudget(
                bytes: 1 << 40,
                used: {
                    questions.withLock { questions in
                        questions += 1
                        return questions > 100 ? 3 << 40 : 0
                    }
                })
        }
    }

    /// Where a job is found out, and what it then says.
    @Test(arguments: [
        ("taken", "allowed"), ("expected", "the job would take about"), ("training", "3145728 MiB"),
    ])
    func theJobFailsAndTheVersionBeforeStays(_ name: String, _ words: String) async throws {
        let folder = try TemporaryDirectory()
        let task = try await withLiveServer(folder: folder) { server in
            let created = try await server.client.post("/v1/tasks?wait=600", form: Forms.task(steps: 20, count: 3)).json
            #expect(created["task"]?["served_version"] == 1)
            return try #require(created["task"]?["id"]?.stringValue)
        }
        let budget = Self.budget(name)
        func configure(_ configuration: inout Service.Configuration) { configuration.jobMemory = budget }
        try await withLiveServer(configure, folder: folder) { server in
            let x = 25
            let more = [
                FormPart("image", bytes: TestImages.disc(x: x, radius: 18), filename: "more.png"),
                FormPart("mask", bytes: TestImages.mask(x: x, radius: 18), filename: "more_mask.png"),
            ]
            let grown = try await server.client.post("/v1/tasks/\(task)/support?wait=600", form: more).json
            #expect(grown["job"]?["state"] == "failed")
            let error = grown["job"]?["error"]
            #expect(error?["code"] == "out-of-memory")
            #expect(error?["message"]?.stringValue?.contains(words) == true, "\(error ?? .null)")
            #expect(error?["hint"]?.stringValue?.contains("--job-memory-mb") == true)
            #expect(grown["task"]?["served_version"] == 1)
            let answer = try await server.client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(answer["tier"] == "adapted" && answer["adapter_version"] == 1)
        }
    }

    @Test func theDryRunTellsWhatIsAllowed() async throws {
        for (budget, allowed) in [
            (MemoryBudget.unlimited, JSON.null), (MemoryBudget(bytes: 7 << 30), .integer(7 << 30)),
        ] {
            func configure(_ configuration: inout Service.Configuration) { configuration.jobMemory = budget }
            try await withLiveServer(configure) { server in
                let answer = try await server.client.post("/v1/tasks?dry_run=true", form: Forms.task()).json
                #expect(answer["estimate"]?["memory_allowed_bytes"] == allowed)
            }
        }
    }
}
