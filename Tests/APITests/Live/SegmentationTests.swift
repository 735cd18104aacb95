import API
import Client
import Foundation
import Imaging
import SegmentAnything
import Testing

@Suite struct SegmentationTests {
    private static let box = #"{"boxes": [{"x0": 8, "y0": 6, "x1": 32, "y1": 30}]}"#

    private func decode(_ mask: JSON?) throws -> Mask {
        let data = try #require(mask?["png"]?.stringValue.flatMap { Data(base64Encoded: $0) })
        return Mask(try ImageDecoder.decode([UInt8](data)))
    }

    @Test func answersWithMaskScoreAreaAndReceipt() async throws {
        try await withLiveServer { server in
            let response = try await server.client.post(
                "/v1/segment", form: Forms.segment(Self.box, [FormPart("spacing_mm", text: "[0.5, 2]")]))
            #expect(response.status == 200)
            let answer = try response.json
            #expect(answer["tier"] == "base")
            #expect(answer["task"] == .null)
            #expect(answer["image"]?["width"] == 48)
            #expect(answer["image"]?["height"] == 40)
            #expect(answer["masks"]?.elements?.count == 1)
            let first = answer["masks"]?[0]
            let mask = try decode(first)
            #expect(mask.width == 48)
            #expect(mask.height == 40)
            #expect(first?["area_px"]?.integerValue == mask.area)
            #expect(first?["area_mm2"]?.doubleValue == Double(mask.area))
            #expect(first?["prompt_box"] == ["x0": 8.0, "y0": 6.0, "x1": 32.0, "y1": 30.0])
            let score = try #require(first?["score"]?.doubleValue)
            #expect((0...1).contains(score))
            #expect(answer["metrics"] == .null)
            #expect(answer["receipt"]?["mask_sha256"]?.stringValue == PixelHash.of(mask))
            #expect(answer["receipt"]?["model"]?["sha256"]?.stringValue?.count == 64)
            for lap in ["decode", "embed", "predict", "answer", "total"] {
                #expect(answer["timings_ms"]?[lap]?.doubleValue != nil)
            }
        }
    }

    @Test func theSameRequestGivesTheSameReceipt() async throws {
        try await withLiveServer { server in
            let first = try await server.client.post("/v1/segment", form: Forms.segment(Self.box)).json
            let second = try await server.client.post("/v1/segment", form: Forms.segment(Self.box)).json
            #expect(first["receipt"] == second["receipt"])
            #expect(first["masks"] == second["masks"])
            #expect(first["embedding"] == "computed")
            #expect(second["embedding"] == "cached")
            let other = try await server.client.post("/v1/segment", form: Forms.segment("{}")).json
            #expect(other["embedding"] == "cached")
            #expect(other["receipt_sha256"] != first["receipt_sha256"])
        }
    }

    /// A model that looks closer answers each small box on its own part of the image, and keeps each part's embedding.
    @Test func smallBoxesAreAnsweredOnTheirSurroundings() async throws {
        var configuration = SegmentAnything.Configuration.tiny
        configuration.focusedBoxes = true
        let model = SegmentAnythingModel(configuration: configuration, randomSeed: 7)
        try await withLiveServer(models: ServedModels(model)) { server in
            let (near, far) = (Prompt.Box(x0: 2, y0: 3, x1: 9, y1: 11), Prompt.Box(x0: 30, y0: 25, x1: 40, y1: 33))
            func text(_ box: Prompt.Box) -> String {
                #"{"x0": \#(box.x0), "y0": \#(box.y0), "x1": \#(box.x1), "y1": \#(box.y1)}"#
            }
            let both = Forms.segment(#"{"boxes": [\#(text(near)), \#(text(far))]}"#)
            let answer = try await server.client.post("/v1/segment", form: both).json
            #expect(answer["embedding"] == "computed")
            let image = EmbeddedImage(
                RGBImage(try ImageDecoder.decode(TestImages.disc())), by: Predictor(model))
            for (index, box) in [near, far].enumerated() {
                let expected = try image.segment(Prompt(box: box))
                #expect(!expected.geometry.isWhole)
                #expect(try decode(answer["masks"]?[index]) == expected.mask())
            }
            let again = try await server.client.post("/v1/segment", form: Forms.segment(#"{"boxes": [\#(text(far))]}"#))
            #expect(try again.json["embedding"] == "cached")
        }
    }

    /// Clicks are answered as they came, the later ones on what the earlier ones found.
    @Test func clicksAreAnsweredOneAfterTheOther() async throws {
        var configuration = SegmentAnything.Configuration.tiny
        (configuration.focusedBoxes, configuration.drawnPrompts) = (true, true)
        let clicks = [(20, 20, 1), (30, 12, 0), (24, 28, 1)]
        let scan = RGBImage(try ImageDecoder.decode(TestImages.disc()))
        func prompt(_ count: Int) -> Prompt {
            Prompt(
                points: clicks.prefix(count).map { .init(x: Float($0.0), y: Float($0.1), isForeground: $0.2 == 1) })
        }
        // Random weights of which the first click is looked at closely, and the second contradicts what it found.
        let model = try #require(
            (0..<400).lazy.map { SegmentAnythingModel(configuration: configuration, randomSeed: $0) }.first { model in
                let image = EmbeddedImage(scan, by: Predictor(model))
                guard let one = try? image.segment(prompt(1)), let two = try? image.view(of: prompt(2)) else {
                    return false
                }
                return !one.geometry.isWhole && !one.mask().isEmpty && two.prompt.maskLogits != nil
            })
        try await withLiveServer(models: ServedModels(model)) { server in
            let image = EmbeddedImage(scan, by: Predictor(model))
            for count in 1...3 {
                let points = clicks.prefix(count)
                let text = points.map { #"{"x": \#($0.0), "y": \#($0.1), "label": \#($0.2)}"# }.joined(separator: ", ")
                let answer = try await server.client.post(
                    "/v1/segment", form: Forms.segment("{\"points\": [\(text)]}")
                ).json
                let expected = try image.segment(prompt(count))
                #expect(try decode(answer["masks"]?[0]) == expected.mask())
            }
        }
    }

    /// What the cells cannot draw is drawn anew, with a prompt and without.
    @Test func thinAnswersAreDrawnAnew() async throws {
        var configuration = SegmentAnything.Configuration.tiny
        configuration.focusedBoxes = true
        let png = TestImages.disc(width: 90, height: 70)
        let scan = RGBImage(try ImageDecoder.decode(png))
        let box = Prompt(box: .init(x0: 1, y0: 1, x1: 88, y1: 68))
        // Random weights that answer both in lines.
        let model = try #require(
            (0..<2_000).lazy.map { SegmentAnythingModel(configuration: configuration, randomSeed: $0) }.first { model in
                let image = EmbeddedImage(scan, by: Predictor(model))
                return [box, .none].allSatisfy { prompt in
                    guard let answer = try? image.segment(prompt) else { return false }
                    return answer.geometry.side > configuration.imageSize && !answer.mask().isEmpty
                }
            })
        try await withLiveServer(models: ServedModels(model)) { server in
            let image = EmbeddedImage(scan, by: Predictor(model))
            let mirrored = EmbeddedImage(scan.flippedHorizontally(), by: Predictor(model))
            for (prompt, text) in [(box, #"{"boxes": [{"x0": 1, "y0": 1, "x1": 88, "y1": 68}]}"#), (.none, "{}")] {
                func masks(_ more: [FormPart] = []) async throws -> JSON {
                    let form = [FormPart("image", bytes: png, filename: "a.png"), FormPart("prompts", text: text)]
                    let answer = try await server.client.post("/v1/segment", form: form + more)
                    #expect(answer.status == 200)
                    return try answer.json
                }
                let expected = try image.segment(prompt)
                let answer = try await masks()
                #expect(try decode(answer["masks"]?[0]) == expected.mask())
                // As sure as what was seen at first.
                let doubtful = try await masks([FormPart("uncertainty", text: "true")])
                #expect(try decode(doubtful["masks"]?[0]) == expected.mask())
                let both = try await masks([FormPart("flips", text: "true")])
                let other = try mirrored.segment(prompt.mirrored(width: scan.width))
                let mean = expected.averaged(withMirrored: other).mask()
                #expect(try decode(both["masks"]?[0]) == mean)
            }
            // Many of them take no more tiles than one image may: the rest stay as they were.
            let predictor = Predictor(model)
            let seen = try predictor.segment(predictor.embed(scan), [box])[0]
            let tiles = try #require(Closeup(of: seen, to: box, by: predictor)).count
            let drawn = Tiling.limit / tiles
            try #require((1...62).contains(drawn))
            let one = #"{"x0": 1, "y0": 1, "x1": 88, "y1": 68}"#
            let boxes = [String](repeating: one, count: drawn + 2).joined(separator: ", ")
            let answer = try await server.client.post(
                "/v1/segment",
                form: [
                    FormPart("image", bytes: png, filename: "a.png"),
                    FormPart("prompts", text: "{\"boxes\": [\(boxes)]}"),
                ]
            ).json
            let fine = try image.segment(box).mask()
            #expect(seen.mask() != fine)
            for index in 0..<drawn + 2 {
                let mask = try decode(answer["masks"]?[index])
                #expect(mask == (index < drawn ? fine : seen.mask()), "\(index)")
            }
        }
    }

    @Test func everyFormOfTheSameImageIsTheSame() async throws {
        try await withLiveServer { server in
            let image = TestImages.disc()
            let upload = try await server.client.post(
                "/v1/images", form: [FormPart("image", bytes: image, filename: "a.png")])
            #expect(upload.status == 201)
            let id = try #require(try upload.json["id"]?.stringValue)
            let raw = try await server.client.send(
                ClientRequest("POST", "/v1/images", headers: [("Content-Type", "image/png")], body: image))
            #expect(raw.status == 200)
            #expect(try raw.json["id"]?.stringValue == id)

            let prompts = try JSONParser.parse(Array(Self.box.utf8))
            let byID: JSON = ["image_id": .string(id), "prompts": prompts]
            let byBytes: JSON = ["image": .string(Data(image).base64EncodedString()), "prompts": prompts]
            var answers = [try await server.client.post("/v1/segment", form: Forms.segment(Self.box)).json]
            for body in [byID, byBytes] {
                let request = ClientRequest(
                    "POST", "/v1/segment", headers: [("Content-Type", "application/json; charset=utf-8")],
                    body: body.encoded())
                answers.append(try await server.client.send(request).json)
            }
            let form = [FormPart("image_id", text: "\(id)\n"), FormPart("prompts", text: Self.box)]
            answers.append(try await server.client.post("/v1/segment", form: form).json)
            for answer in answers {
                #expect(answer["receipt"] == answers[0]["receipt"])
                #expect(answer["image"]?["id"]?.stringValue == id)
            }
            #expect(answers.dropFirst().allSatisfy { $0["embedding"] == "cached" })
        }
    }

    @Test func anUploadAloneIsEnoughToSegment() async throws {
        try await withLiveServer { server in
            let upload = try await server.client.post(
                "/v1/images", form: [FormPart("image", bytes: TestImages.disc(), filename: "a.png")]
            ).json
            let answer = try await server.client.post(
                "/v1/segment", form: [FormPart("image_id", text: upload["id"]?.stringValue ?? "")]
            ).json
            #expect(answer["embedding"] == "computed")
            #expect(answer["masks"]?.elements?.count == 1)
        }
    }

    @Test func severalBoxesGiveSeveralMasksAndOnePicture() async throws {
        try await withLiveServer { server in
            let boxes =
                #"{"boxes": [{"x0": 0, "y0": 0, "x1": 20, "y1": 20}, {"x0": 22, "y0": 10, "x1": 47, "y1": 39}]}"#
            let answer = try await server.client.post("/v1/segment", form: Forms.segment(boxes)).json
            let masks = try #require(answer["masks"]?.elements)
            #expect(masks.map { $0["prompt"]?.integerValue } == [0, 1])
            var union = [UInt8](repeating: 0, count: 48 * 40)
            for mask in try masks.map(decode) {
                for (index, pixel) in mask.pixels.enumerated() { union[index] |= pixel }
            }
            let png = try await server.client.post(
                "/v1/segment", form: Forms.segment(boxes), headers: [("Accept", "image/png")])
            #expect(png.status == 200)
            #expect(png.header("Content-Type") == "image/png")
            #expect(Mask(try ImageDecoder.decode(png.body)).pixels == union)
            #expect(png.header("GMISeg-Tier") == "base")
            #expect(png.header("GMISeg-Scores")?.split(separator: ",").count == 2)
            #expect(png.header("GMISeg-Receipt") == answer["receipt_sha256"]?.stringValue)
            #expect(png.header("GMISeg-Area-Px") == "\(union.count { $0 == 1 })")
        }
    }

    @Test func multimaskRanksItsCandidates() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post(
                "/v1/segment", form: Forms.segment(Self.box, [FormPart("multimask", text: "true")])
            ).json
            let masks = try #require(answer["masks"]?.elements)
            #expect(masks.count == 3)
            #expect(masks.map { $0["candidate"]?.integerValue } == [0, 1, 2])
            let scores = masks.compactMap { $0["score"]?.doubleValue }
            #expect(scores == scores.sorted(by: >))
        }
    }

    @Test func metricsComeWithAGroundTruth() async throws {
        try await withLiveServer { server in
            let first = try await server.client.post("/v1/segment", form: Forms.segment(Self.box)).json
            // Against its own mask every model is perfect.
            let png = try #require(first["masks"]?[0]?["png"]?.stringValue.flatMap { Data(base64Encoded: $0) })
            let truth = FormPart("ground_truth", bytes: [UInt8](png), filename: "t.png")
            let spacing = FormPart("spacing_mm", text: "0.5")
            let perfect = try await server.client.post("/v1/segment", form: Forms.segment(Self.box, [truth, spacing]))
                .json["metrics"]
            #expect(perfect?["dice"]?.doubleValue == 1)
            #expect(perfect?["jaccard"]?.doubleValue == 1)
            let isEmpty = first["masks"]?[0]?["area_px"] == 0
            if !isEmpty {
                #expect(perfect?["asd_px"]?.doubleValue == 0)
                #expect(perfect?["hd95_mm"]?.doubleValue == 0)
            }
            let withoutSpacing = try await server.client.post("/v1/segment", form: Forms.segment(Self.box, [truth]))
                .json["metrics"]
            #expect(withoutSpacing?["asd_mm"] == .null)
            #expect(withoutSpacing?["mm_reason"]?.stringValue?.isEmpty == false)
            // A ground truth without the object: nothing to measure a distance to.
            let none = FormPart("ground_truth", bytes: TestImages.emptyMask(), filename: "t.png")
            let against = try await server.client.post("/v1/segment", form: Forms.segment(Self.box, [none])).json[
                "metrics"]
            if !isEmpty {
                #expect(against?["dice"]?.doubleValue == 0)
                #expect(against?["asd_px"] == .null)
                #expect(against?["px_reason"]?.stringValue?.isEmpty == false)
            }
            let headers = try await server.client.post(
                "/v1/segment", form: Forms.segment(Self.box, [truth]), headers: [("Accept", "image/png")])
            #expect(headers.header("GMISeg-Dice") == "1.0")
            #expect(headers.header("GMISeg-ASD-Mm") == nil)
            // At a microscope's spacing four decimal places of a millimetre would be nothing.
            let other = FormPart("ground_truth", bytes: TestImages.mask(x: 30, radius: 6), filename: "t.png")
            let micro = [other, FormPart("spacing_mm", text: "0.00025")]
            let fine = try await server.client.post("/v1/segment", form: Forms.segment(Self.box, micro))
                .json["metrics"]?["asd_mm"]
            let picture = try await server.client.post(
                "/v1/segment", form: Forms.segment(Self.box, micro), headers: [("Accept", "image/png")])
            #expect(picture.header("GMISeg-ASD-Mm") == (isEmpty ? nil : fine?.text()))
        }
    }

    @Test func manyAtOnceEncodeOnce() async throws {
        try await withLiveServer { server in
            let client = server.client
            let receipts = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        try await client.post("/v1/segment", form: Forms.segment(Self.box)).json["receipt_sha256"]?
                            .stringValue
                    }
                }
                return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(receipts.count == 1)
            let statistics = server.service.embeddings.statistics
            #expect(statistics.misses == 1)
            #expect(statistics.hits + statistics.shared == 11)
        }
    }
}
