import API
import Client
import Cryptography
import Foundation
import Imaging
import SegmentAnything
import Testing

@Suite struct VerificationTests {
    private static let prompts =
        #"{"points": [{"x": 20.5, "y": 18, "label": 1}], "boxes": [{"x0": 8, "y0": 6, "x1": 32, "y1": 30}]}"#
    private static let scan = FormPart("image", bytes: TestImages.disc(), filename: "scan.png")

    private func verify(_ server: LiveServer, _ receipt: JSON, _ image: FormPart = scan) async throws -> JSON {
        let form = [FormPart("receipt", text: receipt.text(pretty: true)), image]
        let response = try await server.client.post("/v1/verify", form: form)
        #expect(response.status == 200, "\(response.text)")
        return try response.json
    }

    private func changed(_ json: JSON, _ name: String, _ value: JSON) -> JSON {
        .object((json.members ?? []).map { $0.name == name ? .init(name, value) : $0 })
    }

    /// The whole answer or the receipt alone, with every kind of prompt and option.
    @Test func anAnswerIsMadeAgain() async throws {
        try await withLiveServer { server in
            let mask = Data(TestImages.mask()).base64EncodedString()
            let requests = [
                Forms.segment(Self.prompts), Forms.segment("{}"), Forms.segment("{\"mask\": \"\(mask)\"}"),
                Forms.segment(Self.prompts, [FormPart("multimask", text: "true")]),
                Forms.segment(Self.prompts, [FormPart("flips", text: "true")]),
                Forms.segment("{}", [FormPart("flips", text: "true")]),
                Forms.segment("{\"mask\": \"\(mask)\"}", [FormPart("flips", text: "true")]),
            ]
            for request in requests {
                let answer = try await server.client.post("/v1/segment", form: request).json
                for receipt in [answer, answer["receipt"] ?? .null] {
                    let verdict = try await verify(server, receipt)
                    #expect(verdict["matches"] == true)
                    #expect(verdict["differences"] == [])
                    #expect(verdict["receipt"] == answer["receipt"])
                    #expect(verdict["receipt_sha256"] == answer["receipt_sha256"])
                }
            }
        }
    }

    /// JavaScript, Go and jq write whole numbers without a fraction; the builds before wrote and hashed them with one.
    @Test func anAnswerCountsAfterOtherProgramsHaveWrittenItAgain() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
            let receipt = try #require(answer["receipt"])
            #expect(receipt.text().firstMatch(of: /\d\.0[,}\]]/) == nil)
            let rewritten = try await verify(server, answer.canonical)
            #expect(rewritten["matches"] == true && rewritten["differences"] == [], "\(rewritten.text())")

            let earlier = try JSON.parse(
                Array(receipt.text().replacing(#""y":18,"#, with: #""y":18.0,"#).utf8), field: "receipt")
            #expect(earlier != receipt)
            let kept = changed(
                changed(answer, "receipt", earlier), "receipt_sha256", .string(SHA256.hex(earlier.encoded())))
            let verdict = try await verify(server, kept)
            #expect(verdict["matches"] == true && verdict["differences"] == [], "\(verdict.text())")
        }
    }

    /// With prompts a task's base model answers as it does without the task; only an answer without any depends on the support set.
    @Test func theBaseModelsAnswerForATaskIsMadeAgain() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(margin: 1)).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let answer = try await server.client.post("/v1/tasks/\(task)/segment", form: Forms.segment(Self.prompts))
                .json
            #expect(answer["tier"] == "base" && answer["receipt"]?["task"]?.stringValue == task)
            let verdict = try await verify(server, answer)
            #expect(verdict["matches"] == true && verdict["differences"] == [], "\(verdict.text())")
            _ = try await server.client.delete("/v1/tasks/\(task)")
            let after = try await verify(server, answer)
            #expect(after["matches"] == true)
            #expect(after["differences"]?.elements?.map { $0["field"] } == ["task"])
        }
    }

    @Test func anAdaptedAnswerIsMadeAgainByTheSameAdapter() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Forms.task(steps: 20)).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            #expect(created["task"]?["tier"] == "adapted")
            let answer = try await server.client.post("/v1/tasks/\(task)/segment", form: Forms.segment("{}")).json
            #expect(answer["receipt"]?["adaptation"]?["support_count"] == 2)
            #expect(try await verify(server, answer)["matches"] == true)
            _ = try await server.client.delete("/v1/tasks/\(task)")
            let form = [FormPart("receipt", text: answer.text()), Self.scan]
            let gone = try await server.client.post("/v1/verify", form: form)
            #expect(gone.status == 404)
            #expect(try gone.json["field"] == "receipt.adapter_sha256")
        }
    }

    @Test func anotherImageIsNotVerified() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
            let other = FormPart("image", bytes: TestImages.disc(shade: 1), filename: "scan.png")
            let verdict = try await verify(server, answer, other)
            #expect(verdict["matches"] == false)
            #expect(verdict["differences"]?.elements?.map { $0["field"] } == ["pixels_sha256"])
        }
    }

    @Test func whatWasChangedAfterwardsIsNamed() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
            let receipt = try #require(answer["receipt"])
            // Another box: other masks, and the receipt says which it was made with.
            let forged = changed(receipt, "mask_sha256", .string(String(repeating: "0", count: 64)))
            let verdict = try await verify(server, forged)
            #expect(verdict["matches"] == false)
            #expect(verdict["differences"]?.elements?.map { $0["field"] } == ["mask_sha256"])
            #expect(verdict["differences"]?[0]?["here"] == receipt["mask_sha256"])
            // The answer's hash gives a changed receipt away, whatever was changed.
            let renamed = changed(answer, "receipt", changed(receipt, "width", 47))
            let second = try await verify(server, renamed)
            #expect(second["matches"] == false)
            #expect(second["differences"]?.elements?.map { $0["field"] } == ["receipt_sha256", "width"])
            // Another build with the same masks matches, and is named.
            let build: JSON = ["version": "0.0.9", "executable_sha256": .null, "kernels": "portable"]
            let third = try await verify(server, changed(receipt, "build", build))
            #expect(third["matches"] == true)
            #expect(third["differences"]?.elements?.contains { $0["field"] == "build.version" } == true)
        }
    }

    /// A receipt does not vouch for what was put beside it.
    @Test func anAnswerThatWasChangedBesideItsReceiptIsNamed() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
            let mask = try #require(answer["masks"]?[0])
            let other = Data(TestImages.mask(x: 30)).base64EncodedString()
            let forged: [(JSON, String)] = [
                (changed(mask, "png", .string(other)), "masks[0].png"),
                (changed(mask, "png", "no PNG"), "masks[0].png"),
                (changed(mask, "png", .string(Data(TestImages.mask(width: 40)).base64EncodedString())), "masks[0].png"),
                (changed(mask, "area_px", 99_999), "masks[0].area_px"),
            ]
            for (mask, field) in forged {
                let verdict = try await verify(server, changed(answer, "masks", [mask]))
                #expect(verdict["matches"] == false)
                #expect(verdict["differences"]?.elements?.map { $0["field"]?.stringValue } == [field])
            }
            let verdict = try await verify(server, changed(answer, "masks", [mask, mask]))
            #expect(verdict["differences"]?[0]?["field"] == "masks")
        }
    }

    @Test func aModelThatIsNotServedIsNamed() async throws {
        let answer = try await withLiveServer { server in
            try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
        }
        let other = ServedModels(SegmentAnythingModel(configuration: .tiny, randomSeed: 8))
        try await withLiveServer(models: other) { server in
            let form = [FormPart("receipt", text: answer.text()), Self.scan]
            let response = try await server.client.post("/v1/verify", form: form)
            #expect(response.status == 503)
            #expect(try response.json["type"] == "/problems/model-unavailable")
            #expect(try response.json["field"] == "receipt.model.sha256")
        }
    }

    @Test func aMaskPromptReachesTheModel() async throws {
        try await withLiveServer { server in
            let mask = Data(TestImages.mask()).base64EncodedString()
            let plain = try await server.client.post("/v1/segment", form: Forms.segment(Self.prompts)).json
            let text = Self.prompts.dropLast() + ", \"mask\": \"\(mask)\"}"
            let refined = try await server.client.post("/v1/segment", form: Forms.segment(String(text))).json
            #expect(refined["masks"]?.elements?.count == 1)
            #expect(refined["receipt"]?["mask_sha256"] != plain["receipt"]?["mask_sha256"])
            #expect(refined["receipt"]?["request"]?["prompts"]?["mask"]?["size"] == [40, 48])
        }
    }

    @Test func aTableAndAParagraphComeWithTheAnswer() async throws {
        try await withLiveServer { server in
            let boxes =
                #"{"boxes": [{"x0": 0, "y0": 0, "x1": 20, "y1": 20}, {"x0": 22, "y0": 10, "x1": 47, "y1": 39}]}"#
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(boxes)).json
            let response = try await server.client.post(
                "/v1/segment", form: Forms.segment(boxes), headers: [("Accept", "text/csv")])
            #expect(response.header("Content-Type") == "text/csv; charset=utf-8")
            #expect(response.text == AnswerTable.csv([answer]))
            #expect(response.text.split(separator: "\r\n").count == 3)
            let methods = try #require(answer["methods"]?.stringValue)
            #expect(methods == MethodsParagraph.text(try #require(answer["receipt"])))
            #expect(methods.contains("2 bounding boxes"))
        }
    }
}
