import API
import Client
import Foundation
import Imaging
import Testing

/// What a task's support set says about answers, before its adapter and beside it.
@Suite struct SupportProfileTests {
    private static let box = #"{"boxes": [{"x0": 8, "y0": 6, "x1": 32, "y1": 30}]}"#
    private static let uncertainty = FormPart("uncertainty", text: "true")

    private func task(_ server: LiveServer, _ form: [FormPart], wait: Bool = true) async throws -> String {
        let created = try await server.client.post(wait ? "/v1/tasks?wait=60" : "/v1/tasks", form: form).json
        return try #require(created["task"]?["id"]?.stringValue)
    }

    private func segment(
        _ server: LiveServer, _ task: String, _ prompts: String, _ extra: [FormPart] = []
    ) async throws -> JSON {
        let response = try await server.client.post("/v1/tasks/\(task)/segment", form: Forms.segment(prompts, extra))
        #expect(response.status == 200, "\(response.text)")
        return try response.json
    }

    private func grey(_ mask: JSON?, _ name: String) throws -> RawImage {
        let data = try #require(mask?[name]?.stringValue.flatMap { Data(base64Encoded: $0) })
        return try ImageDecoder.decode([UInt8](data))
    }

    /// Without a prompt, while the job has work for hours: the support set itself stands in.
    @Test func answersWithoutAPromptBeforeAnyAdapter() async throws {
        try await withLiveServer { server in
            let id = try await task(server, Forms.endlessTask(), wait: false)
            let answer = try await segment(server, id, "{}")
            #expect(answer["tier"] == "base")
            let route = try #require(answer["promptless"]?["route"]?.stringValue)
            #expect(answer["promptless"]?["support_dice"]?.members?.count == 5)
            #expect(answer["promptless"]?["support_dice"]?[route]?.doubleValue != nil)
            #expect(answer["receipt"]?["promptless"]?["route"]?.stringValue == route)
            let least = answer["promptless"]?["least_region_px"]
            #expect(try #require(least?.integerValue) > 1)
            #expect(answer["receipt"]?["promptless"]?["least_region_px"] == least)
            #expect(
                answer["methods"]?.stringValue?.contains("regions below \(try #require(least).text()) pixels") == true)
            #expect(answer["far_from_support"]?["value"]?.doubleValue != nil)
            let mask = answer["masks"]?[0]
            #expect(mask?["label"] == "disc")
            #expect(mask?["found"]?.boolValue == (mask?["area_px"] != 0))
            // The same again, and from the receipt alone.
            let again = try await segment(server, id, "{}")
            #expect(again["receipt"] == answer["receipt"])
            let form = [
                FormPart("receipt", text: answer.text()),
                FormPart("image", bytes: TestImages.disc(), filename: "scan.png"),
            ]
            #expect(try await server.client.post("/v1/verify", form: form).json["matches"] == true)
            _ = try await server.client.delete("/v1/tasks/\(id)")
            let gone = try await server.client.post("/v1/verify", form: form)
            #expect(gone.status == 404)
            #expect(try gone.json["field"] == "receipt.task")
        }
    }

    /// Objects thinner than the model's cells are known by their pixels, in every kind of answer, from the first request on.
    ///
    /// - Parameter scale: At 2 the images are looked at reduced.
    @Test(arguments: [1, 2]) func thinObjectsAreFoundPixelByPixel(_ scale: Int) async throws {
        try await withLiveServer { server in
            let job: JSON = ["name": "lines", "adaptation": ["steps": 10_000], "adapter": ["kind": "decoder"]]
            let form =
                [FormPart("task", text: job.text())]
                + (0..<3).flatMap { index in
                    let (image, mask) = TestImages.lines(seed: index, scale: scale)
                    return [
                        FormPart("image", bytes: image, filename: "\(index).png"),
                        FormPart("mask", bytes: mask, filename: "\(index)_mask.png"),
                    ]
                }
            let id = try await task(server, form, wait: false)
            let (image, truth) = TestImages.lines(seed: 9, scale: scale)
            let scan = FormPart("image", bytes: image, filename: "scan.png")
            let requests: [[FormPart]] = [
                [], [Self.uncertainty], [FormPart("flips", text: "true")], [FormPart("instances", text: "true")],
            ]
            let known = FormPart("ground_truth", bytes: truth, filename: "truth.png")
            for extra in requests {
                let response = try await server.client.post(
                    "/v1/tasks/\(id)/segment", form: [scan, known, FormPart("prompts", text: "{}")] + extra)
                #expect(response.status == 200, "\(response.text)")
                let answer = try response.json
                #expect(answer["tier"] == "base")
                #expect(answer["promptless"]?["route"] == "pixel-prototypes")
                #expect(answer["promptless"]?["support_dice"]?.members?.count == 6)
                #expect(answer["methods"]?.stringValue?.contains("no network drew it") == true)
                // Where it is, too, at any scale and piece by piece.
                #expect(try #require(answer["metrics"]?["dice"]?.doubleValue) > 0.75, "\(extra.map(\.name))")
                if extra.first?.name == "uncertainty" {
                    let agreement = try #require(answer["masks"]?[0]?["agreement"]?.doubleValue)
                    #expect(agreement > 0.5 && agreement < 1, "\(agreement)")
                }
                if extra.first?.name == "instances" {
                    // Lines, and what noise cut off them.
                    let areas = (answer["masks"]?.elements ?? []).compactMap { $0["area_px"]?.integerValue }
                    #expect(
                        areas.count >= 5 && areas == areas.sorted(by: >) && areas.allSatisfy { $0 >= 4 }, "\(areas)")
                }
                let verdict = try await server.client.post(
                    "/v1/verify", form: [FormPart("receipt", text: answer.text()), scan]
                ).json
                #expect(verdict["matches"] == true && verdict["differences"] == [], "\(verdict)")
            }
            // Candidates are the decoder's own, and a prompt is for the decoder.
            for (prompts, extra) in [("{}", [FormPart("multimask", text: "true")]), (Self.box, [])] {
                let answer = try await server.client.post(
                    "/v1/tasks/\(id)/segment", form: [scan, FormPart("prompts", text: prompts)] + extra
                ).json
                #expect(answer["promptless"]?["route"] == (extra.isEmpty ? nil : "model"))
            }
        }
    }

    @Test func tellsHowFarTheImageIs() async throws {
        try await withLiveServer { server in
            let id = try await task(server, Forms.task(count: 3))
            let near = try await segment(server, id, Self.box)
            #expect(try #require(near["far_from_support"]?["value"]?.doubleValue) >= 0)
            let noise = RGBImage(
                width: 64, height: 64, grey: (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) })
            let form = [
                FormPart("image", bytes: PNG.encode(noise), filename: "noise.png"), FormPart("prompts", text: Self.box),
            ]
            let far = try await server.client.post("/v1/tasks/\(id)/segment", form: form).json["far_from_support"]
            #expect(try #require(far?["value"]?.doubleValue) > 1.5)
            #expect(far?["warning"]?.stringValue?.isEmpty == false)
            // No task, nothing to be far from.
            let none = try await server.client.post("/v1/segment", form: Forms.segment(Self.box)).json
            #expect(none["far_from_support"] == .null)
        }
    }

    @Test(arguments: [box, "{}", #"{"points": [{"x": 20, "y": 18, "label": 1}]}"#])
    func uncertaintyComesWithMapsIntervalAndReview(_ prompts: String) async throws {
        try await withLiveServer { server in
            let id = try await task(server, Forms.task(steps: 20))
            let plain = try await segment(server, id, prompts)
            #expect(plain["review"] == .null)
            #expect(plain["masks"]?[0]?["uncertainty_png"] == nil)
            let answer = try await segment(server, id, prompts, [Self.uncertainty])
            // Looking at the neighbours changes nothing of the mask.
            #expect(answer["receipt"]?["mask_sha256"] == plain["receipt"]?["mask_sha256"])
            let mask = answer["masks"]?[0]
            guard mask?["found"] == true else {
                #expect(answer["review"]?["needed"] == true)
                return
            }
            for name in ["uncertainty_png", "probability_png"] {
                let map = try grey(mask, name)
                #expect(map.width == 48 && map.height == 40 && map.channels == 1 && map.bitDepth == 8)
            }
            let interval = try #require(mask?["area_interval_px"]?.elements?.compactMap { $0.integerValue })
            let area = try #require(mask?["area_px"]?.integerValue)
            #expect(interval[0] <= area && area <= interval[1])
            let low = try #require(mask?["area_interval_mm2"]?[0]?.doubleValue)
            #expect(abs(low - Double(interval[0]) * 0.25) < 1e-6)
            let review = answer["review"]
            let score = try #require(review?["score"]?.doubleValue)
            let threshold = try #require(review?["threshold"]?.doubleValue)
            #expect(mask?["agreement"]?.doubleValue == score)
            #expect(review?["calibrated_on"] == 2)
            if score < threshold { #expect(review?["needed"] == true) }
            #expect((review?["needed"] == true) == (review?["reason"] != .null))
            // The maps are part of what a receipt repeats.
            let again = try await segment(server, id, prompts, [Self.uncertainty])
            #expect(again["masks"] == answer["masks"])
        }
    }

    @Test(arguments: [true, false]) func objectsComeOneByOne(_ hasTask: Bool) async throws {
        try await withLiveServer { server in
            let id = try await task(server, Forms.task())
            let path = hasTask ? "/v1/tasks/\(id)/segment" : "/v1/segment"
            let form = Forms.segment("{}", [FormPart("instances", text: "true")])
            let answer = try await server.client.post(path, form: form).json
            let masks = try #require(answer["masks"]?.elements)
            let found = masks.filter { $0["found"] == true }
            #expect(found.map { $0["instance"]?.integerValue } == Array(found.indices))
            let scores = found.compactMap { $0["score"]?.doubleValue }
            #expect(scores == scores.sorted(by: >))
            #expect(answer["receipt"]?["masks_sha256"]?.elements?.count == masks.count)
            let verdict = try await server.client.post(
                "/v1/verify",
                form: [
                    FormPart("receipt", text: answer.text()),
                    FormPart("image", bytes: TestImages.disc(), filename: "scan.png"),
                ]
            ).json
            #expect(verdict["matches"] == true)
            let png = try await server.client.post(path, form: form, headers: [("Accept", "image/png")])
            #expect(png.status == 200)
        }
    }

    @Test func withoutATaskTheReviewIsUncalibrated() async throws {
        try await withLiveServer { server in
            let form = Forms.segment(Self.box, [Self.uncertainty])
            let answer = try await server.client.post("/v1/segment", form: form).json
            #expect(answer["review"]?["calibrated_on"] == 0)
            #expect(answer["review"]?["threshold"] == 0.8)
            #expect(answer["promptless"] == .null)
        }
    }

    /// What a deleted task's images taught goes with them; a new task of the same images starts anew.
    @Test func goesWithItsTask() async throws {
        try await withLiveServer { server in
            let id = try await task(server, Forms.task())
            _ = try await segment(server, id, "{}")
            _ = try await server.client.delete("/v1/tasks/\(id)")
            let gone = try await server.client.post("/v1/tasks/\(id)/segment", form: Forms.segment("{}"))
            #expect(gone.status == 404)
            let next = try await task(server, Forms.task())
            #expect(try await segment(server, next, "{}")["promptless"]?["route"] != nil)
        }
    }
}
