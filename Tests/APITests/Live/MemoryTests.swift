import API
import Basics
import Client
import Foundation
import Imaging
import Storage
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

    /// Nobody is told off for memory that is free already, and that the allocator only holds.
    @Test func whatWasFreedDoesNotCount() {
        let (held, freed) = (Lock(3 << 20), Lock(2 << 20))
        let budget = MemoryBudget(
            bytes: 2 << 20, used: { held.withLock { $0 } },
            giveBack: {
                let gone = freed.withLock { freed in
                    defer { freed = 0 }
                    return freed
                }
                held.withLock { $0 -= gone }
            })
        #expect(budget.overrun() == nil)
        #expect(held.withLock { $0 } == 1 << 20)
        held.withLock { $0 = 4 << 20 }
        #expect(budget.overrun()?.message.contains("4 MiB") == true)
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

    /// Pixels times what is asked of them, however many requests that is.
    @Test func answersKeepToTheirMemory() async throws {
        // Of 48 × 40 pixels: enough for a few masks, and not for 64.
        let memory = AnswerMemory(bytes: 100_000)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        let boxes = (0..<64).map { _ in #"{"x0": 8, "y0": 6, "x1": 32, "y1": 30}"# }.joined(separator: ", ")
        let many = Forms.segment("{\"boxes\": [\(boxes)]}")
        let receipt = try await withLiveServer { server in
            try await server.client.post("/v1/segment", form: many).json["receipt"]
        }
        try await withLiveServer(configure) { server in
            let client = server.client
            let uploaded = try await client.post("/v1/images", form: [many[0]]).json["id"]?.stringValue
            let stored = FormPart("image_id", text: uploaded ?? "")
            func expectAnswer() async throws {
                #expect(try await client.post("/v1/segment", form: Forms.segment("{}")).status == 200)
                #expect(try await client.post("/v1/segment", form: [stored]).status == 200)
                // What an answer had goes with it, soon after its last byte.
                for _ in 0..<6_000 where memory.byteCount > 0 { pause(milliseconds: 10) }
                #expect(memory.byteCount == 0)
            }
            try await expectAnswer()
            let verified = [FormPart("receipt", text: receipt?.text() ?? ""), many[0]]
            let instances = [stored, FormPart("instances", text: "true")]
            for (path, form, field) in [
                ("/v1/segment", many, "image"), ("/v1/verify", verified, "image"),
                ("/v1/segment", instances, "image_id"),
            ] {
                let response = try await client.post(path, form: form)
                #expect(response.status == 413, "\(response.text)")
                #expect(try response.json["field"]?.stringValue == field)
                #expect(try response.json["hint"]?.stringValue?.contains("--answer-memory-mb") == true)
            }
            try await expectAnswer()
            var others: AnswerMemory.Room? = try memory.claim(90_000, for: "others", field: "image")
            let busy = try await client.post("/v1/segment", form: Forms.segment("{}"))
            #expect(busy.status == 503 && busy.header("Retry-After") != nil, "\(busy.text)")
            withExtendedLifetime(others) {}
            others = nil
            try await expectAnswer()
        }
    }

    /// The files of a JSON request wait in memory, where those of a form wait on the disk.
    @Test func filesInJSONCountToo() async throws {
        let memory = AnswerMemory(bytes: 100_000)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        try await withLiveServer(configure) { server in
            func ask(_ image: [UInt8]) async throws -> ClientResponse {
                let body: JSON = ["image": .string(Data(image).base64EncodedString()), "prompts": [:]]
                return try await server.client.send(
                    ClientRequest(
                        "POST", "/v1/segment", headers: [("Content-Type", "application/json")],
                        body: Array(body.text().utf8)))
            }
            let large = try await ask([UInt8](repeating: 7, count: 150_000))
            #expect(try large.status == 413 && large.json["field"] == "body", "\(large.text)")
            #expect(try large.json["hint"]?.stringValue?.contains("--answer-memory-mb") == true)
            let others = try memory.claim(90_000, for: "others", field: "image")
            let busy = try await ask([UInt8](repeating: 7, count: 30_000))
            #expect(busy.status == 503 && busy.header("Retry-After") != nil, "\(busy.text)")
            withExtendedLifetime(others) {}
        }
    }

    /// However small the image: a mask prompt of a hundred bytes may be of millions of pixels.
    @Test func maskPromptsCountToo() async throws {
        let memory = AnswerMemory(bytes: 100_000)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        try await withLiveServer(configure) { server in
            func ask(_ width: Int, _ height: Int) async throws -> ClientResponse {
                let mask = "{\"mask\": {\"size\": [\(height), \(width)], \"counts\": [0, \(width * height)]}}"
                return try await server.client.post("/v1/segment", form: Forms.segment(mask))
            }
            let huge = try await ask(4_000, 4_000)
            #expect(huge.status == 413, "\(huge.text)")
            #expect(try huge.json["field"] == "prompts.mask")
            let other = try await ask(47, 40)
            #expect(try other.status == 422 && other.json["type"] == "/problems/size-mismatch", "\(other.text)")
            #expect(try await ask(48, 40).status == 200)
            for _ in 0..<6_000 where memory.byteCount > 0 { pause(milliseconds: 10) }
            #expect(memory.byteCount == 0)
        }
    }

    /// Of noise a receipt would be many times the file.
    @Test func aMaskPromptOfTooManyRunsIsRefused() async throws {
        try await withLiveServer { server in
            let (width, height) = (1_500, 1_500)
            let stripes = Mask(
                width: width, height: height, pixels: (0..<width * height).map { UInt8($0 / width % 2) })
            let text = Data(PNG.encode(stripes)).base64EncodedString()
            let answer = try await server.client.post("/v1/segment", form: Forms.segment("{\"mask\": \"\(text)\"}"))
            #expect(answer.status == 413, "\(answer.text)")
            #expect(try answer.json["field"] == "prompts.mask")
        }
    }

    @Test func anAdapterThatIsTooLargeIsRefused() async throws {
        func configure(_ configuration: inout Service.Configuration) { configuration.maximumAdapterBytes = 1_000 }
        try await withLiveServer(configure) { server in
            let form = [
                FormPart("task", text: #"{"name": "copy"}"#),
                FormPart("adapter", bytes: [UInt8](repeating: 0, count: 1_001), filename: "a.safetensors"),
            ]
            let answer = try await server.client.post("/v1/tasks", form: form)
            #expect(answer.status == 413, "\(answer.text)")
            #expect(try answer.json["field"] == "adapter")
        }
    }

    /// A receipt's mask prompt is memory like any other.
    @Test func theMaskPromptOfAReceiptCountsToo() async throws {
        let memory = AnswerMemory(bytes: 100_000)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        try await withLiveServer(configure) { server in
            let prompt = #"{"mask": {"size": [40, 48], "counts": [0, 1920]}}"#
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(prompt)).json
            let text = try #require(answer["receipt"]).text()
            func verify(_ receipt: String) async throws -> ClientResponse {
                let image = FormPart("image", bytes: TestImages.disc(), filename: "scan.png")
                return try await server.client.post("/v1/verify", form: [FormPart("receipt", text: receipt), image])
            }
            #expect(try await verify(text).json["matches"] == true)
            let large = text.replacing("[40,48]", with: "[4000,4000]").replacing("1920", with: "16000000")
            #expect(large != text)
            let refused = try await verify(large)
            #expect(refused.status == 413, "\(refused.text)")
            #expect(try refused.json["field"] == "receipt.request.prompts.mask")
            for _ in 0..<6_000 where memory.byteCount > 0 { pause(milliseconds: 10) }
            #expect(memory.byteCount == 0)
        }
    }

    /// The masks of a support set are looked at together.
    @Test func aDryRunKeepsToItsMemory() async throws {
        let memory = AnswerMemory(bytes: 5_000)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        try await withLiveServer(configure) { server in
            for (count, status) in [(2, 200), (3, 413)] {
                let form = Forms.task(count: count)
                let response = try await server.client.post("/v1/tasks?dry_run=true", form: form)
                #expect(response.status == status, "\(response.text)")
                if status == 413 { #expect(try response.json["field"] == "mask[2]") }
            }
        }
    }

    /// A job has all its images in memory at once.
    @Test func aSupportSetHasSoManyPixelsAtMost() async throws {
        func configure(_ configuration: inout Service.Configuration) {
            configuration.maximumSupportPixels = 3 * 48 * 40
        }
        try await withLiveServer(configure) { server in
            let client = server.client
            let refused = try await client.post("/v1/tasks", form: Forms.task(count: 4))
            #expect(refused.status == 413, "\(refused.text)")
            #expect(try refused.json["field"] == "image")
            #expect(try await client.post("/v1/tasks?dry_run=true", form: Forms.task(count: 4)).status == 413)
            let created = try await client.post("/v1/tasks", form: Forms.task(count: 3)).json
            let task = try #require(created["task"]?["id"]?.stringValue)
            let more = [
                FormPart("image", bytes: TestImages.disc(), filename: "more.png"),
                FormPart("mask", bytes: TestImages.mask(), filename: "more.png"),
            ]
            #expect(try await client.post("/v1/tasks/\(task)/support", form: more).status == 413)
            #expect(try await client.get("/v1/tasks/\(task)").json["support_count"] == 3)
        }
    }

    /// The mean with the mirror image is made in a square of the longer side.
    @Test func theSquaresOfLongImagesAreCounted() async throws {
        let memory = AnswerMemory(bytes: 1 << 20)
        func configure(_ configuration: inout Service.Configuration) { configuration.answerMemory = memory }
        let long = FormPart("image", bytes: TestImages.disc(width: 1_200, height: 8), filename: "long.png")
        let point = FormPart("prompts", text: #"{"points": [{"x": 5, "y": 4, "label": 1}]}"#)
        try await withLiveServer(configure) { server in
            #expect(try await server.client.post("/v1/segment", form: [long, point]).status == 200)
            let flipped = try await server.client.post(
                "/v1/segment", form: [long, point, FormPart("flips", text: "true")])
            #expect(flipped.status == 413, "\(flipped.text)")
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
