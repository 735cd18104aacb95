import API
import Client
import Foundation
import HTTP
import Imaging
import Server
import Storage
import TestSupport
import Testing

/// Everything a client can do wrong: each row is one request and the problem that must come back.
@Suite struct ErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let request: @Sendable () throws -> ClientRequest
        let kind: ProblemKind
        let field: String?
        var testDescription: String { name }
    }

    private static let box = #"{"boxes": [{"x0": 2, "y0": 2, "x1": 30, "y1": 30}]}"#
    private static let unknownTask = "/v1/tasks/task_0000000000000000"
    private static let truncated = Array(TestImages.disc().dropLast(60))
    private static let jpegMask = Array(FileManager.default.contents(atPath: Fixtures.path("lint/mask.jpg")) ?? Data())

    private static func form(
        _ name: String, _ path: String, _ parts: @autoclosure @escaping @Sendable () -> [FormPart], _ kind: ProblemKind,
        _ field: String?, headers: [(String, String)] = []
    ) -> Row {
        Row(
            name: name, request: { try ClientRequest("POST", path, form: parts(), headers: headers) }, kind: kind,
            field: field)
    }

    private static func plain(
        _ name: String, _ method: String, _ path: String, type: String? = nil, body: String? = nil,
        headers: [(String, String)] = [], _ kind: ProblemKind, _ field: String?
    ) -> Row {
        Row(
            name: name,
            request: {
                ClientRequest(
                    method, path, headers: headers + (type.map { [("Content-Type", $0)] } ?? []),
                    body: body.map { Array($0.utf8) })
            }, kind: kind, field: field)
    }

    private static func task(_ json: String, image: [UInt8]? = nil, mask: [UInt8]? = nil) -> [FormPart] {
        [
            FormPart("task", text: json),
            FormPart("image", bytes: image ?? TestImages.disc(), filename: "a.png"),
            FormPart("mask", bytes: mask ?? TestImages.mask(), filename: "a_mask.png"),
        ]
    }

    private static let named = #"{"name": "disc"}"#

    private static let addresses = [
        plain("no such address", "GET", "/v1/nothing", .notFound, nil),
        plain("no such file", "GET", "/nothing.html", .notFound, nil),
        plain("above the public folder", "GET", "/..%2f..%2fetc/passwd", .notFound, nil),
        plain("malformed percent-encoding", "GET", "/v1/tasks/%zz", .malformedRequest, nil),
        plain("wrong method", "PUT", "/v1/tasks", .methodNotAllowed, nil),
        plain("post to a list", "POST", "/v1/jobs", .methodNotAllowed, nil),
        plain(
            "compressed body", "POST", "/v1/segment", type: "application/json", body: "\u{1F}\u{8B}",
            headers: [("Content-Encoding", "gzip")], .unsupportedMediaType, "Content-Encoding"),
        plain("no expectation", "GET", "/v1/tasks", headers: [("Expect", "x")], .expectationFailed, "Expect"),
        plain("unknown task", "GET", unknownTask, .notFound, "task"),
        plain("no task id at all", "GET", "/v1/tasks/..%2f..", .notFound, "task"),
        plain("very long id", "GET", "/v1/tasks/" + String(repeating: "a", count: 5_000), .notFound, "task"),
        plain("delete an unknown task", "DELETE", unknownTask, .notFound, "task"),
        plain("adapter of an unknown task", "GET", unknownTask + "/adapter", .notFound, "task"),
        plain("unknown job", "GET", "/v1/jobs/job_0000000000000000", .notFound, "job"),
        plain("cancel an unknown job", "DELETE", "/v1/jobs/job_0000000000000000", .notFound, "job"),
        plain("unknown problem", "GET", "/problems/none", .notFound, "kind"),
        plain("unknown query item", "GET", "/v1/tasks?limt=3", .unknownField, "query.limt"),
        plain("query on a task", "GET", "/v1/models?x=1", .unknownField, "query.x"),
        plain("malformed query", "GET", "/v1/tasks?limit=%f", .malformedRequest, "query"),
        plain("repeated query item", "GET", "/v1/tasks?limit=1&limit=2", .invalidValue, "query.limit"),
        plain("limit no number", "GET", "/v1/tasks?limit=many", .invalidValue, "query.limit"),
        plain("limit zero", "GET", "/v1/tasks?limit=0", .invalidValue, "query.limit"),
        plain("limit huge", "GET", "/v1/jobs?limit=99999999999999999999", .invalidValue, "query.limit"),
        plain("after no id", "GET", "/v1/tasks?after=1", .invalidValue, "query.after"),
        plain("jobs of no id", "GET", "/v1/jobs?task=1", .invalidValue, "query.task"),
        plain("jobs after no id", "GET", "/v1/jobs?after=1", .invalidValue, "query.after"),
        plain(
            "after a task that is gone", "GET", "/v1/tasks?after=task_0000000000000000", .invalidValue, "query.after"),
        plain("after a job that is gone", "GET", "/v1/jobs?after=job_0000000000000000", .invalidValue, "query.after"),
        plain("tasks as an image", "GET", "/v1/tasks", headers: [("Accept", "image/png")], .notAcceptable, "Accept"),
        plain("models as HTML", "GET", "/v1/models", headers: [("Accept", "text/html")], .notAcceptable, "Accept"),
    ]

    private static let tasks = [
        plain(
            "task as JSON", "POST", "/v1/tasks", type: "application/json", body: "{}", .unsupportedMediaType,
            "Content-Type"),
        plain("task without a body", "POST", "/v1/tasks", .unsupportedMediaType, "Content-Type"),
        plain(
            "multipart without boundary", "POST", "/v1/tasks", type: "multipart/form-data", body: "x",
            .malformedRequest, "Content-Type"),
        plain(
            "multipart cut off", "POST", "/v1/tasks", type: "multipart/form-data; boundary=b",
            body: "--b\r\nContent-Disposition: form-data; name=\"task\"\r\n\r\n{", .malformedRequest, nil),
        form("no task part", "/v1/tasks", Array(task(named).dropFirst()), .missingField, "task"),
        form("unknown part", "/v1/tasks", task(named) + [FormPart("masks", text: "x")], .unknownField, "masks"),
        form("task twice", "/v1/tasks", task(named) + [FormPart("task", text: named)], .invalidValue, "task"),
        form("task no JSON", "/v1/tasks", task("{name: disc}"), .malformedJSON, "task"),
        form("task with NaN", "/v1/tasks", task(#"{"name": "a", "spacing_mm": NaN}"#), .malformedJSON, "task"),
        form("task with 1e999", "/v1/tasks", task(#"{"name": "a", "spacing_mm": 1e999}"#), .malformedJSON, "task"),
        form("task too deep", "/v1/tasks", task(String(repeating: "[", count: 50)), .malformedJSON, "task"),
        form("task too large", "/v1/tasks", task(String(repeating: " ", count: 2 << 20)), .tooLarge, "task"),
        form("unknown field", "/v1/tasks", task(#"{"name": "a", "label": "b"}"#), .unknownField, "task.label"),
        form("unknown model", "/v1/tasks", task(#"{"name": "a", "model": "vit-z"}"#), .invalidValue, "task.model"),
        form(
            "more blocks than there are", "/v1/tasks",
            task(#"{"name": "a", "adapter": {"kind": "lora", "last_blocks": 1000}}"#),
            .invalidValue, "task.adapter.last_blocks"),
        form("no images", "/v1/tasks", [FormPart("task", text: named)], .missingField, "image"),
        form("missing mask", "/v1/tasks", Array(task(named).dropLast()), .missingField, "mask"),
        form(
            "one mask too few", "/v1/tasks",
            task(named) + [FormPart("image", bytes: TestImages.disc(), filename: "b.png")],
            .unpairedExample, "image[1]"),
        form(
            "mask without image", "/v1/tasks",
            task(named) + [FormPart("mask", bytes: TestImages.mask(), filename: "b.png")],
            .unpairedExample, "mask[1]"),
        form("truncated PNG", "/v1/tasks", task(named, image: truncated), .undecodableImage, "image[0]"),
        form("no image at all", "/v1/tasks", task(named, image: Array("hello".utf8)), .undecodableImage, "image[0]"),
        form("empty image", "/v1/tasks", task(named, image: []), .undecodableImage, "image[0]"),
        form(
            "truncated mask", "/v1/tasks", task(named, mask: Array(TestImages.mask().dropLast(40))), .undecodableImage,
            "mask[0]"),
        form(
            "mask of another size", "/v1/tasks", task(named, mask: TestImages.mask(width: 40)), .sizeMismatch, "mask[0]"
        ),
        form("empty mask", "/v1/tasks", task(named, mask: TestImages.emptyMask()), .emptyMask, "mask[0]"),
        form("wait no number", "/v1/tasks?wait=soon", task(named), .invalidValue, "query.wait"),
        form("wait too long", "/v1/tasks?wait=86400", task(named), .invalidValue, "query.wait"),
        form(
            "task as an image", "/v1/tasks", task(named), .notAcceptable, "Accept", headers: [("Accept", "image/png")]),
        form(
            "too many examples", "/v1/tasks",
            [FormPart("task", text: named)]
                + (0..<9).map { FormPart("image", bytes: [1], filename: "\($0).png") }
                + (0..<9).map { FormPart("mask", bytes: [1], filename: "\($0).png") },
            .tooLarge, "image"),
        form(
            "image of too many pixels", "/v1/tasks", task(named, image: TestImages.disc(width: 400, height: 300)),
            .tooLarge, "image[0]"),
    ]

    private static let segments = [
        plain(
            "segment as text", "POST", "/v1/segment", type: "text/plain", body: "x", .unsupportedMediaType,
            "Content-Type"),
        plain("segment without a body", "POST", "/v1/segment", .unsupportedMediaType, "Content-Type"),
        plain(
            "segment JSON malformed", "POST", "/v1/segment", type: "application/json", body: "{", .malformedJSON, "body"
        ),
        plain(
            "segment JSON no object", "POST", "/v1/segment", type: "application/json", body: "[]", .invalidValue, "body"
        ),
        plain(
            "segment JSON empty", "POST", "/v1/segment", type: "application/json", body: "{}", .missingField, "image"),
        plain(
            "segment JSON unknown", "POST", "/v1/segment", type: "application/json", body: #"{"img": 1}"#,
            .unknownField, "img"),
        plain(
            "segment no base64", "POST", "/v1/segment", type: "application/json", body: #"{"image": "%%"}"#,
            .invalidValue, "image"),
        plain(
            "segment base64 of no image", "POST", "/v1/segment", type: "application/json",
            body: #"{"image": "aGVsbG8="}"#,
            .undecodableImage, "image"),
        plain(
            "segment both images", "POST", "/v1/segment", type: "application/json",
            body: #"{"image": "aGVsbG8=", "image_id": "x"}"#,
            .invalidValue, "image_id"),
        plain(
            "segment unknown image", "POST", "/v1/segment", type: "application/json",
            body: #"{"image_id": "img_0000000000000000000000000000000000000000000000000000000000000000"}"#, .notFound,
            "image_id"),
        plain(
            "segment foreign image id", "POST", "/v1/segment", type: "application/json",
            body: #"{"image_id": "../../etc"}"#,
            .notFound, "image_id"),
        plain(
            "multimask no boolean", "POST", "/v1/segment", type: "application/json",
            body: #"{"image_id": "x", "multimask": 1}"#, .invalidValue, "multimask"),
        form("segment without image", "/v1/segment", [FormPart("prompts", text: "{}")], .missingField, "image"),
        form(
            "segment unknown part", "/v1/segment", Forms.segment(nil, [FormPart("box", text: "1,2,3,4")]),
            .unknownField, "box"),
        form("segment image twice", "/v1/segment", Forms.segment() + Forms.segment(), .invalidValue, "image"),
        form("prompts malformed", "/v1/segment", Forms.segment("{points"), .malformedJSON, "prompts"),
        form("prompts unknown", "/v1/segment", Forms.segment(#"{"bboxes": []}"#), .unknownField, "prompts.bboxes"),
        form(
            "multimask part no boolean", "/v1/segment", Forms.segment(nil, [FormPart("multimask", text: "3")]),
            .invalidValue, "multimask"),
        form(
            "segment with an unknown model", "/v1/segment", Forms.segment(nil, [FormPart("model", text: "tony")]),
            .invalidValue, "model"),
        plain(
            "segment with a model that is no text", "POST", "/v1/segment", type: "application/json",
            body: #"{"image_id": "x", "model": 1}"#, .invalidValue, "model"),
        form(
            "spacing part wrong", "/v1/segment", Forms.segment(nil, [FormPart("spacing_mm", text: "[0, 1]")]),
            .invalidValue, "spacing_mm"),
        form(
            "box outside", "/v1/segment", Forms.segment(#"{"boxes": [{"x0": 0, "y0": 0, "x1": 48, "y1": 10}]}"#),
            .outsideImage,
            "prompts.boxes[0]"),
        form(
            "box inverted", "/v1/segment", Forms.segment(#"{"boxes": [{"x0": 9, "y0": 0, "x1": 4, "y1": 10}]}"#),
            .invalidValue,
            "prompts.boxes[0]"),
        form(
            "point outside", "/v1/segment", Forms.segment(#"{"points": [{"x": 0, "y": 40, "label": 1}]}"#),
            .outsideImage,
            "prompts.points[0]"),
        form(
            "point label 2", "/v1/segment", Forms.segment(#"{"points": [{"x": 0, "y": 4, "label": 2}]}"#),
            .invalidValue,
            "prompts.points[0].label"),
        form(
            "point at 1e308", "/v1/segment", Forms.segment(#"{"points": [{"x": 1e308, "y": 4, "label": 1}]}"#),
            .outsideImage,
            "prompts.points[0]"),
        form(
            "truncated scan", "/v1/segment", [FormPart("image", bytes: truncated, filename: "scan.png")],
            .undecodableImage, "image"),
        form(
            "truncated truth", "/v1/segment",
            Forms.segment(nil, [FormPart("ground_truth", bytes: [1, 2], filename: "t.png")]),
            .undecodableImage, "ground_truth"),
        form(
            "truth as JPEG", "/v1/segment",
            Forms.segment(nil, [FormPart("ground_truth", bytes: jpegMask, filename: "t.png")]),
            .invalidValue, "ground_truth"),
        form(
            "truth with soft edges", "/v1/segment",
            Forms.segment(nil, [FormPart("ground_truth", bytes: softMask, filename: "t.png")]),
            .invalidValue, "ground_truth"),
        form(
            "truth that is the image", "/v1/segment",
            Forms.segment(nil, [FormPart("ground_truth", bytes: ramp, filename: "t.png")]), .invalidValue,
            "ground_truth"),
        form(
            "uncertainty as PNG", "/v1/segment", Forms.segment(box, [FormPart("uncertainty", text: "true")]),
            .invalidValue, "uncertainty", headers: [("Accept", "image/png")]),
        form(
            "a box as a part of its own", "/v1/segment", Forms.segment(nil, [FormPart("box", text: "1,2,3,4")]),
            .unknownField, "box"),
        form(
            "background alone", "/v1/segment", Forms.segment(#"{"points": [{"x": 3, "y": 4, "label": 0}]}"#),
            .invalidValue, "prompts.points"),
        form(
            "a blank patient", "/v1/tasks", task(#"{"name": "disc", "patients": {"a": " "}}"#), .invalidValue,
            "task.patients.a"),
        plain(
            "no body of a known type", "POST", "/v1/segment", type: "application/json", body: "", .malformedRequest,
            "body"),
        form(
            "truth of another size", "/v1/segment",
            Forms.segment(nil, [FormPart("ground_truth", bytes: TestImages.mask(height: 41), filename: "t.png")]),
            .sizeMismatch,
            "ground_truth"),
        form(
            "segment as HTML", "/v1/segment", Forms.segment(), .notAcceptable, "Accept",
            headers: [("Accept", "text/html")]),
        form(
            "instances beside a prompt", "/v1/segment", Forms.segment(box, [FormPart("instances", text: "true")]),
            .invalidValue, "instances"),
        form(
            "instances beside uncertainty", "/v1/segment",
            Forms.segment("{}", [FormPart("instances", text: "true"), FormPart("uncertainty", text: "true")]),
            .invalidValue, "instances"),
        form(
            "uncertainty no boolean", "/v1/segment", Forms.segment(nil, [FormPart("uncertainty", text: "\"yes\"")]),
            .invalidValue, "uncertainty"),
        form(
            "mask prompt of another size", "/v1/segment",
            Forms.segment("{\"mask\": \"\(Data(TestImages.mask(width: 40)).base64EncodedString())\"}"), .sizeMismatch,
            "prompts.mask"),
        form("segment for an unknown task", unknownTask + "/segment", Forms.segment(), .notFound, "task"),
        form(
            "two images of one name, paired by order", "/v1/tasks",
            [FormPart("task", text: named)]
                + ["m1.png", "m2.png"].flatMap {
                    [
                        FormPart("image", bytes: TestImages.disc(), filename: "a.png"),
                        FormPart("mask", bytes: TestImages.mask(), filename: $0),
                    ]
                }, .unpairedExample, "image[1]"),
        form("a name with U+0000", "/v1/tasks", task(#"{"name": "a\u0000b"}"#), .invalidValue, "task.name"),
        form(
            "a patient with U+0000", "/v1/tasks", task(#"{"name": "disc", "patients": {"a": "p\u00001"}}"#),
            .invalidValue,
            "task.patients.a"),
        form("image part missing", "/v1/images", [FormPart("scan", text: "x")], .unknownField, "scan"),
        form("image form empty", "/v1/images", [], .missingField, "image"),
        form(
            "image truncated", "/v1/images", [FormPart("image", bytes: truncated, filename: "x.png")],
            .undecodableImage, "image"),
        plain(
            "image as text", "POST", "/v1/images", type: "text/plain", body: "x", .unsupportedMediaType, "Content-Type"),
        plain("image body no image", "POST", "/v1/images", type: "image/png", body: "x", .undecodableImage, "body"),
    ]

    /// Discs with a rim of half a pixel, as smooth scaling leaves it, and a picture.
    private static let (softMask, ramp): ([UInt8], [UInt8]) = {
        func png(_ sample: (Int, Int) -> Int) -> [UInt8] {
            PNG.encode(
                RawImage(
                    width: 48, height: 40, channels: 1, bitDepth: 8,
                    samples: (0..<48 * 40).map { UInt16(sample($0 % 48, $0 / 48)) }))
        }
        func distance(_ x: Int, _ y: Int) -> Int { (x - 20) * (x - 20) + (y - 18) * (y - 18) }
        return (png { distance($0, $1) < 64 ? 255 : distance($0, $1) < 100 ? 120 : 0 }, png { 5 * $0 + $1 / 4 })
    }()

    private static let scan = FormPart("image", bytes: TestImages.disc(), filename: "scan.png")
    private static let hash = String(repeating: "0", count: 64)

    /// A receipt of the server's own form, with one member changed.
    private static func receipt(_ name: String = "format", _ value: JSON = 3) -> FormPart {
        let members: [JSON.Member] = [
            .init("format", 3), .init("pixels_sha256", .string(hash)),
            .init("model", ["name": "tiny", "sha256": .string(hash)]), .init("tier", "base"),
            .init("request", ["prompts": [:], "multimask": false]), .init("masks_sha256", [.string(hash)]),
        ]
        let kept = members.filter { $0.name != name }
        return FormPart("receipt", text: JSON.object(kept + [.init(name, value)]).text())
    }

    private static let verifications = [
        plain(
            "verify JSON", "POST", "/v1/verify", type: "application/json", body: "{}", .unsupportedMediaType,
            "Content-Type"),
        form("verify without receipt", "/v1/verify", [scan], .missingField, "receipt"),
        form("verify without image", "/v1/verify", [receipt()], .missingField, "image"),
        form(
            "verify unknown part", "/v1/verify", [scan, receipt(), FormPart("mask", text: "x")], .unknownField, "mask"),
        form(
            "verify an unknown image", "/v1/verify", [receipt(), FormPart("image_id", text: "img_1")], .notFound,
            "image_id"),
        form("receipt no JSON", "/v1/verify", [scan, FormPart("receipt", text: "sha256")], .malformedJSON, "receipt"),
        form(
            "receipt no object", "/v1/verify", [scan, FormPart("receipt", text: "[]")], .invalidValue, "receipt.format"),
        form("receipt of no format", "/v1/verify", [scan, receipt("format", .null)], .invalidValue, "receipt.format"),
        form("receipt of a later format", "/v1/verify", [scan, receipt("format", 9)], .invalidValue, "receipt.format"),
        form("receipt with more", "/v1/verify", [scan, receipt("mask", 1)], .unknownField, "receipt.mask"),
        form(
            "receipt hash no text", "/v1/verify", [scan, receipt("pixels_sha256", 1)], .invalidValue,
            "receipt.pixels_sha256"),
        form(
            "receipt hash short", "/v1/verify", [scan, receipt("pixels_sha256", "ab")], .invalidValue,
            "receipt.pixels_sha256"),
        form("receipt without model", "/v1/verify", [scan, receipt("model", .null)], .missingField, "receipt.model"),
        form("receipt of a new tier", "/v1/verify", [scan, receipt("tier", "best")], .invalidValue, "receipt.tier"),
        form(
            "receipt without adapter", "/v1/verify", [scan, receipt("tier", "adapted")], .missingField,
            "receipt.adapter_sha256"),
        form(
            "receipt without request", "/v1/verify", [scan, receipt("request", .null)], .missingField, "receipt.request"
        ),
        form(
            "receipt with an unknown option", "/v1/verify", [scan, receipt("request", ["promts": [:]])], .unknownField,
            "receipt.request.promts"),
        form(
            "receipt with a bad prompt", "/v1/verify", [scan, receipt("request", ["prompts": ["points": [1]]])],
            .invalidValue, "receipt.request.prompts.points[0]"),
        form(
            "answer with a bad receipt", "/v1/verify",
            [scan, FormPart("receipt", text: #"{"receipt": {"format": 1}}"#)],
            .invalidValue, "receipt.receipt.format"),
    ]

    static let rows = addresses + tasks + segments + verifications

    /// One server for all rows, so that each also shows that the rows before did no harm.
    @Test func everyMistakeGetsItsProblem() async throws {
        try await withLiveServer { configuration in
            configuration.maximumExamples = 8
            configuration.imageLimits.maximumPixels = 100_000
        } _: { server in
            for row in Self.rows {
                let answer = try await server.client.send(try row.request())
                Self.check(answer, row)
            }
            // No partial state.
            #expect(try await server.client.get("/v1/tasks").json["tasks"] == [])
            #expect(try await server.client.get("/v1/jobs").json["jobs"] == [])
            let ready = try await server.client.get("/readyz").json
            #expect(ready["tasks"] == 0)
            #expect(ready["images"] == 0)
            let spool = try FileManager.default.contentsOfDirectory(atPath: server.service.store.spoolDirectory)
            #expect(spool == [])
        }
    }

    private static func check(_ answer: ClientResponse, _ row: Row) {
        #expect(answer.status == row.kind.status, "\(row.name): \(answer.text)")
        #expect(answer.header("Content-Type") == "application/problem+json", "\(row.name)")
        guard let problem = try? answer.json else {
            Issue.record("\(row.name): no JSON")
            return
        }
        #expect(problem["type"]?.stringValue == "/problems/\(row.kind.rawValue)", "\(row.name)")
        #expect(problem["status"]?.integerValue == row.kind.status, "\(row.name)")
        #expect(problem["title"]?.stringValue == row.kind.title, "\(row.name)")
        #expect(problem["detail"]?.stringValue?.isEmpty == false, "\(row.name)")
        #expect(problem["hint"]?.stringValue?.isEmpty == false, "\(row.name)")
        #expect(problem["field"]?.stringValue == row.field, "\(row.name): \(problem.text())")
        #expect(answer.body.count < 4_096, "\(row.name): a big mistake needs no big answer")
    }

    @Test func sizesAndFileNamesAreNamed() async throws {
        try await withLiveServer { server in
            let parts = Self.task(Self.named, mask: TestImages.mask(width: 40, height: 30))
            let problem = try await server.client.post("/v1/tasks", form: parts).json
            let detail = problem["detail"]?.stringValue ?? ""
            for text in ["a.png", "a_mask.png", "48 × 40", "40 × 30"] { #expect(detail.contains(text), "\(detail)") }
            #expect(problem["image_size"] == [48, 40])
            #expect(problem["mask_size"] == [40, 30])
        }
    }

    @Test func allowAndAlternativesAreNamed() async throws {
        try await withLiveServer { server in
            let wrongMethod = try await server.client.send(ClientRequest("PUT", "/v1/tasks"))
            let allow = wrongMethod.header("Allow") ?? ""
            #expect(allow.contains("GET") && allow.contains("POST"))
            // Told before the body is sent, which this client never does.
            let early = try await server.client.exchange(
                raw: Array("POST /v1/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n".utf8))
            #expect(early.status == 404)
            #expect(early.header("Content-Type") == "application/problem+json")
            let options = try await server.client.send(ClientRequest("OPTIONS", "/v1/tasks"))
            #expect(options.status == 204)
            #expect(options.header("Allow")?.contains("POST") == true)
            let html = try await server.client.get("/v1/models", headers: [("Accept", "text/html")]).json
            #expect(html["available"] == ["application/json"])
        }
    }

    @Test func whatTheServerItselfRefusesIsAProblemToo() async throws {
        var limits = Limits()
        limits.bodyBytes = 20_000
        try await withLiveServer(limits: limits) { server in
            let tooLarge = try await server.client.send(
                ClientRequest(
                    "POST", "/v1/segment", headers: [("Content-Type", "application/json")],
                    body: .init(repeating: 32, count: 30_000)))
            #expect(tooLarge.status == 413)
            #expect(tooLarge.header("Content-Type") == "application/problem+json")
            #expect(try tooLarge.json["hint"]?.stringValue?.isEmpty == false)

            let malformed = try await server.client.exchange(raw: Array("GET / HTTP/1.1\r\nno colon here\r\n\r\n".utf8))
            #expect(malformed.status == 400)
            #expect(try malformed.json["type"] == "/problems/malformed-request")
        }
    }
}
