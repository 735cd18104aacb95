import API
import Client
import Foundation
import TestSupport
import Testing

/// The whole product from outside: a process, a socket, a folder.
@Suite(.serialized) struct ServerLifeTests {
    private static func task(steps: Int, imagesPerStep: Int = 2) -> [FormPart] {
        let task: JSON = [
            "name": "disc", "adapter": ["kind": "decoder"],
            "adaptation": [
                "steps": .integer(steps), "images_per_step": .integer(imagesPerStep), "augmented_views": 1,
                // Random weights need strides that pretrained ones would not forgive.
                "decoder_learning_rate": 0.01,
                // Nor is it certain that they pass the gate.
                "gate_margin": -1,
            ],
        ]
        return [FormPart("task", text: task.text())]
            + (0..<3).flatMap { index in
                let picture = Picture.disc(x: 14 + 4 * index)
                return [
                    FormPart("image", bytes: picture.image, filename: "\(index).png"),
                    FormPart("mask", bytes: picture.mask, filename: "\(index).png"),
                ]
            }
    }

    private func segment(_ client: Client, _ task: String, _ prompts: String = "{}") throws -> JSON {
        let form = [
            FormPart("image", bytes: Picture.disc(x: 20).image, filename: "q.png"), FormPart("prompts", text: prompts),
        ]
        return try JSONParser.parse(client.post("/v1/tasks/\(task)/segment", form: form).body)
    }

    /// The job when it has ended, or when `isDone` says that it is far enough.
    private func follow(_ client: Client, _ job: String, until isDone: (JSON) -> Bool) throws -> JSON {
        while true {
            let answer = try JSONParser.parse(client.get("/v1/jobs/\(job)").body)
            if isDone(answer) || ["succeeded", "failed", "cancelled"].contains(answer["state"]?.stringValue) {
                return answer
            }
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    /// A task whose job was seen to run after `step` steps. On a machine so fast, or so busy, that the job was over before
    /// anybody looked, the next one is longer.
    private func createAndSeeRunning(_ client: Client, after step: Int) throws -> (task: String, job: String) {
        for steps in [250, 1_000, 10_000] {
            let created = try JSONParser.parse(client.post("/v1/tasks", form: Self.task(steps: steps)).body)
            let task = try #require(created["task"]?["id"]?.stringValue)
            let job = try #require(created["job"]?["id"]?.stringValue)
            let seen = try follow(client, job) { ($0["step"]?.integerValue ?? 0) >= step }
            if seen["state"] == "running" { return (task, job) }
            try #require(seen["state"] == "succeeded", "\(seen.text())")
        }
        throw NeverSeenRunning()
    }

    private struct NeverSeenRunning: Error {}

    /// Neither the server that a command has started for itself nor that one's data outlive the command's Ctrl-C.
    @Test func anInterruptedCommandLeavesNoServer() throws {
        let place = try Workplace()
        let scratch = place.folder.file("scratch")
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
        let bench = try Program(
            ["bench", "start", "--model", place.model, "--rounds", "10000"], environment: ["TMPDIR": scratch],
            errorFile: place.folder.file("errors"))
        while processes(naming: scratch).isEmpty { Thread.sleep(forTimeInterval: 0.01) }
        bench.signal(SIGINT)
        #expect(bench.exitStatus() == 130)
        #expect(processes(naming: scratch).isEmpty)
        #expect(listDirectory(scratch).isEmpty)
    }

    @Test func aKilledServersJobIsFinishedByTheNext() throws {
        let place = try Workplace()
        let (first, client) = try place.serve()
        let (task, job) = try createAndSeeRunning(client, after: 1)
        first.crash()

        let (second, again) = try place.serve()
        // Before the adapter is there the base answers, at once.
        #expect(try segment(again, task)["masks"]?.elements?.count == 1)
        let ended = try follow(again, job) { _ in false }
        #expect(ended["state"] == "succeeded", "\(ended.text())")
        #expect(ended["result"]?["served"] == true)
        let late = try segment(again, task, #"{"boxes": [{"x0": 4, "y0": 4, "x1": 36, "y1": 36}]}"#)
        #expect(late["tier"] == "adapted")
        #expect(try again.get("/v1/tasks/\(task)/adapter").status == 200)
        #expect(second.terminate() == 0)

        // And the one after that knows it all still.
        let (third, last) = try place.serve()
        #expect(try segment(last, task)["tier"] == "adapted")
        #expect(third.terminate() == 0)
    }

    @Test func aStoppedServersJobGoesOnWhereItStopped() throws {
        let place = try Workplace()
        let (first, client) = try place.serve()
        let (_, job) = try createAndSeeRunning(client, after: 5)
        let before = try JSONParser.parse(client.get("/v1/jobs/\(job)").body)["progress"]?.doubleValue ?? 0
        #expect(first.terminate() == 0)

        let (second, again) = try place.serve()
        let resumed = try follow(again, job) { job in
            job["phase"]?.stringValue?.hasPrefix("training") == true && job["state"] == "running"
        }
        #expect((resumed["progress"]?.doubleValue ?? 0) >= before && before > 0)
        #expect(try follow(again, job) { _ in false }["state"] == "succeeded")
        #expect(second.terminate() == 0)
    }

    /// A start that fails for another reason is no attempt at the job that waits.
    @Test func aStartThatFailsCostsAJobNothing() throws {
        let place = try Workplace()
        let (first, client) = try place.serve()
        let (_, job) = try createAndSeeRunning(client, after: 1)
        #expect(first.terminate() == 0)

        let taken = try LoopbackServer { _ in [] }
        defer { taken.stop() }
        func start(_ further: [String]) throws -> Int32 {
            try Program(
                ["serve", "--data", place.data, "--model", place.model, "--log-level", "critical"] + further,
                errorFile: place.folder.file("errors")
            ).exitStatus()
        }
        for _ in 0..<3 {
            #expect(try start(["--listen", "127.0.0.1:\(taken.port)"]) != 0)
            #expect(
                try start(["--listen", "127.0.0.1:0", "--ready-file", place.folder.file("no such folder/ready")]) != 0)
        }
        let (second, again) = try place.serve()
        #expect(try follow(again, job) { _ in false }["state"] == "succeeded")
        #expect(second.terminate() == 0)
    }

    /// Many a home folder has a `Public` of its own, and a `models`; neither is the program's.
    @Test func whatOthersKeepUnderTheSameNamesIsNotServed() throws {
        let place = try Workplace()
        let home = place.folder.file("home")
        for folder in ["Public", "models"] {
            try FileManager.default.createDirectory(atPath: "\(home)/\(folder)", withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: URL(filePath: "\(home)/\(folder)/mine.safetensors"))
        }
        let program = try Program(
            [
                "serve", "--listen", "127.0.0.1:0", "--data", place.data, "--model", place.model, "--log-level",
                "error",
            ], directory: home)
        let line = try #require(program.line())
        let client = try Client(String(line.dropFirst("listening on ".count)))
        #expect(try client.get("/mine.safetensors").status == 404)
        #expect(try String(decoding: client.get("/").body, as: UTF8.self).contains("GMISeg"))
        #expect(program.terminate() == 0)
        let list = try Program(["model", "list"], directory: home)
        #expect(list.rest().contains("gmiseg-mini") && list.exitStatus() == 0)
    }

    @Test func aStopLetsRequestsUnderWayFinish() async throws {
        let place = try Workplace()
        let (program, client) = try place.serve()
        // Held open by `wait` until the stop cuts the waiting short: its job has work for hours. On a thread of its own, as
        // the few that tests share may all be waiting.
        let endless = Self.task(steps: 10_000, imagesPerStep: 64)
        async let held = withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try client.post("/v1/tasks?wait=600", form: endless) }) }
                .start()
        }
        while try JSONParser.parse(client.get("/v1/jobs").body)["jobs"]?[0]?["state"] != "running" {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(program.terminate() == 0)
        #expect(try await held.status == 202)
    }
}
