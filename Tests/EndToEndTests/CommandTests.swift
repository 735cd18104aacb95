import API
import Basics
import Client
import Foundation
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// `gmiseg task` and `gmiseg segment` against a running server, and what `gmiseg serve` refuses.
@Suite(.serialized) struct CommandTests {
    /// Two discs as `support/images` and `support/masks`.
    private func writeSupport(_ folder: TemporaryDirectory) throws {
        for name in ["support/images", "support/masks"] {
            try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        }
        for index in 0..<2 {
            let picture = Picture.disc(x: 16 + 5 * index)
            try Data(picture.image).write(to: URL(filePath: folder.file("support/images/\(index).png")))
            try Data(picture.mask).write(to: URL(filePath: folder.file("support/masks/\(index).png")))
        }
    }

    @Test func definesSegmentsAndDeletes() throws {
        let place = try Workplace()
        let folder = place.folder
        try FileManager.default.createDirectory(atPath: folder.file("out"), withIntermediateDirectories: true)
        try writeSupport(folder)
        let (server, client) = try place.serve()
        let environment = ["GMISEG_SERVER": "http://\(client.address)"]

        let create = try Program(
            [
                "task", "create", "--name", "disc", "--support", folder.file("support"), "--kind", "decoder",
                "--steps", "2", "--spacing-mm", "0.5,0.5", "--wait",
            ], environment: environment)
        let task = try #require(create.line())
        #expect(task.hasPrefix("task_"))
        #expect(create.exitStatus() == 0)
        #expect(try Program(["task", "wait", task], environment: environment).exitStatus() == 0)
        #expect(try Program(["task", "list"], environment: environment).rest().contains(task))
        let shown = try Program(["task", "show", task], environment: environment).rest()
        #expect(try JSONParser.parse(Array(shown.utf8))["spacing_mm"] == [0.5, 0.5])

        let segment = try Program(
            [
                "segment", folder.file("support/images/0.png"), "--task", task, "--box", "8,12,24,28", "--point",
                "16,20",
                "--ground-truth", folder.file("support/masks/0.png"), "--output", folder.file("out/mask.png"),
            ], environment: environment)
        let text = segment.rest()
        let answer = try JSONParser.parse(Array(text.utf8))
        #expect(segment.exitStatus() == 0)
        #expect(answer["metrics"]?["dice"]?.doubleValue != nil)
        #expect(answer["masks"]?[0]?["png"] == nil)
        let mask = Mask(try ImageDecoder.decode(path: folder.file("out/mask.png")))
        #expect(mask.area == answer["masks"]?[0]?["area_px"]?.integerValue)

        // What was printed is enough to make it again, and for a table and a paragraph.
        let kept = folder.file("out/answer.json")
        try Data(text.utf8).write(to: URL(filePath: kept))
        let verify = try Program(
            ["verify", kept, folder.file("support/images/0.png")], environment: environment)
        #expect(try JSONParser.parse(Array(verify.rest().utf8))["matches"] == true)
        #expect(verify.exitStatus() == 0)
        let other = ["verify", kept, folder.file("support/images/1.png")]
        #expect(try Program(other, environment: environment).exitStatus() != 0)
        #expect(try Program(["receipts", kept, kept]).rest().split(separator: "\r\n").count == 3)
        #expect(try Program(["receipts", "--methods", kept, kept]).rest().hasPrefix("(1 image, 2 answers) Masks were"))

        // Clicks in the order in which they were made, whichever side they are on.
        let clicks = try Program(
            [
                "segment", folder.file("support/images/0.png"), "--point", "16,20", "--point", "2,3,0", "--point",
                "20,20",
            ],
            environment: environment)
        let asked = try JSONParser.parse(Array(clicks.rest().utf8))["receipt"]?["request"]?["prompts"]?["points"]
        #expect(asked?.elements?.map { $0["label"] } == [1, 0, 1])
        #expect(asked?.elements?.map { $0["x"] } == [16, 2, 20])

        let outside = ["segment", folder.file("support/images/0.png"), "--box", "0,0,99,99"]
        #expect(try Program(outside, environment: environment).exitStatus() != 0)
        #expect(try Program(["task", "delete", task], environment: environment).exitStatus() == 0)
        #expect(try Program(["task", "show", task], environment: environment).exitStatus() != 0)
        #expect(server.terminate() == 0)
    }

    /// Of several masks each has a file of its own, whether the name that was given ends in .png or not; one mask has just that name.
    @Test(arguments: [
        ("m.png", ["m1.png", "m2.png"]), ("out", ["out1", "out2"]), ("a.b/m.png", ["m1.png", "m2.png"]),
    ])
    func severalMasksAreNumbered(name: String, files: [String]) throws {
        let place = try Workplace()
        try writeSupport(place.folder)
        let output = place.folder.file("masks/" + name)
        let folder = URL(filePath: output).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (server, client) = try place.serve()
        func segment(_ boxes: [String]) throws -> JSON {
            let program = try Program(
                ["segment", place.folder.file("support/images/0.png"), "--output", output]
                    + boxes.flatMap { ["--box", $0] },
                environment: ["GMISEG_SERVER": "http://\(client.address)"])
            return try JSONParser.parse(Array(program.rest().utf8))
        }
        let answer = try segment(["2,2,20,20", "8,12,24,28"])
        #expect(listDirectory(folder).sorted() == files)
        for (file, mask) in zip(files, try #require(answer["masks"]?.elements)) {
            #expect(Mask(try ImageDecoder.decode(path: "\(folder)/\(file)")).area == mask["area_px"]?.integerValue)
        }
        _ = try segment(["8,12,24,28"])
        #expect(FileManager.default.fileExists(atPath: output))
        #expect(server.terminate() == 0)
    }

    /// A server that is too busy to say, or breaks off, ends no job: it is asked again.
    @Test func waitingOutlivesABusyServer() throws {
        let folder = try TemporaryDirectory()
        @Sendable func response(_ status: String, _ body: String, _ fields: String = "") -> [UInt8] {
            Array(
                "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(fields)Connection: close\r\n\r\n\(body)"
                    .utf8)
        }
        let refusal = #"{"error": {"code": "busy", "message": "too many requests"}}"#
        let asked = Lock<Int>(0)
        let server = try LoopbackServer { head in
            guard head.hasPrefix("GET /v1/jobs/job_1 ") else { return response("200 OK", #"{"job": "job_1"}"#) }
            switch asked.withLock({ asked in
                asked += 1
                return asked
            }) {
            case 1: return response("429 Too Many Requests", refusal, "Retry-After: 1\r\n")
            case 2: return response("503 Service Unavailable", refusal, "Retry-After: 1\r\n")
            case 3: return Array("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{".utf8)
            case 4: return response("200 OK", #"{"state": "running", "progress": 0.5, "phase": "training"}"#)
            default: return response("200 OK", #"{"state": "failed", "error": {"message": "no room"}}"#)
            }
        }
        defer { server.stop() }
        let wait = try Program(
            ["task", "wait", "task_1"], environment: ["GMISEG_SERVER": "http://127.0.0.1:\(server.port)"],
            errorFile: folder.file("errors"))
        #expect(wait.exitStatus() == 1)
        #expect(wait.errors().contains("the job job_1 has failed: no room"), "\(wait.errors())")
        #expect(asked.withLock { $0 } == 5)
    }

    /// One file that is none costs itself alone.
    @Test func receiptsLeavesOutWhatIsNoAnswer() throws {
        let folder = try TemporaryDirectory()
        func write(_ text: String, to name: String) throws -> String {
            try Data(text.utf8).write(to: URL(filePath: folder.file(name)))
            return folder.file(name)
        }
        let odd = [
            try write("{\n\"receipt\" 1}", to: "damaged.json"), try write("{}", to: "other.json"),
            folder.file("missing.json"),
        ]
        let sound = try write(#"{"receipt": {}, "masks": [{"prompt": 0}]}"#, to: "sound.json")
        let program = try Program(["receipts"] + odd + [sound], errorFile: folder.file("errors"))
        #expect(program.rest().split(separator: "\r\n").count == 2)
        #expect(program.exitStatus() == 1)
        let complaints = program.errors().split(separator: "\n")
        try #require(complaints.count == 3, "\(complaints)")
        for (path, complaint) in zip(odd, complaints) { #expect(complaint.hasPrefix("\(path): it ")) }
        #expect(complaints[0].contains("line 2"))
        #expect(try Program(["receipts", sound]).exitStatus() == 0)
    }

    /// Why, and what can be done.
    @Test func aFailedJobIsExplained() throws {
        let place = try Workplace()
        try writeSupport(place.folder)
        // No process takes so little.
        let (server, client) = try place.serve(["--job-memory-mb", "1"])
        let create = try Program(
            ["task", "create", "--name", "disc", "--support", place.folder.file("support"), "--steps", "2", "--wait"],
            environment: ["GMISEG_SERVER": "http://\(client.address)"], errorFile: place.folder.file("complaint"))
        #expect(create.rest().hasPrefix("task_"))
        #expect(create.exitStatus() == 1)
        #expect(create.errors().contains("has failed: ") && create.errors().contains("\nhint: "), "\(create.errors())")
        #expect(server.terminate() == 0)
    }

    @Test(arguments: [
        ["--listen", "0.0.0.0:0"], ["--listen", "nonsense"], ["--threads", "0"], ["--cache-mb", "-1"],
        ["--job-memory-mb", "0"], ["--answer-memory-mb", "0"],
    ])
    func refusesToServe(_ arguments: [String]) throws {
        let place = try Workplace()
        let program = try Program(["serve", "--data", place.data, "--model", place.model] + arguments)
        #expect(program.exitStatus() != 0)
    }

    @Test func servesSeveralModels() throws {
        let place = try Workplace()
        let second = place.folder.file("second.safetensors")
        let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 12)
        try model.write(to: second, as: .float32)
        let image = place.folder.file("image.png")
        try Data(Picture.disc(x: 20).image).write(to: URL(filePath: image))
        #expect(throws: Workplace.Unready.self) { try place.serve(["--model", second]) }  // two of one name

        let (server, client) = try place.serve(["--model", "b=\(second)"])
        let environment = ["GMISEG_SERVER": "http://\(client.address)"]
        let segment = try Program(["segment", image, "--model", "b"], environment: environment)
        let answer = try JSONParser.parse(Array(segment.rest().utf8))
        #expect(answer["receipt"]?["model"]?["name"] == "b")
        #expect(try Program(["segment", image, "--model", "c"], environment: environment).exitStatus() != 0)
        #expect(server.terminate() == 0)
    }

    @Test func twoServersDoNotShareAFolder() throws {
        let place = try Workplace()
        let (first, client) = try place.serve()
        #expect(throws: Workplace.Unready.self) { try place.serve() }
        #expect(try client.get("/healthz").status == 200)
        #expect(first.terminate() == 0)
    }
}
