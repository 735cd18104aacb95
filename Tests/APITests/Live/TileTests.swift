import API
import Client
import Foundation
import Imaging
import SegmentAnything
import Testing

/// A task whose images are cut into tiles, from its form to its receipts.
@Suite struct TileTests {
    private static let (width, height) = (120, 100)
    private static let image = FormPart(
        "image", bytes: TestImages.disc(width: width, height: height, x: 50, y: 48, radius: 30), filename: "scan.png")

    private static func form(tiles: JSON, count: Int = 2, width: Int = width, height: Int = height) -> [FormPart] {
        let task: JSON = [
            "name": "disc", "adapter": ["kind": "decoder"],
            "adaptation": [
                "steps": 12, "images_per_step": 2, "augmented_views": 2, "decoder_learning_rate": 0.01,
                "gate_margin": -1,
                "tiles": tiles,
            ],
        ]
        return [FormPart("task", text: task.text())]
            + (0..<count).flatMap { index in
                let x = 45 + 3 * index
                return [
                    FormPart(
                        "image", bytes: TestImages.disc(width: width, height: height, x: x, y: 50, radius: 32),
                        filename: "\(index).png"),
                    FormPart(
                        "mask", bytes: TestImages.mask(width: width, height: height, x: x, y: 50, radius: 32),
                        filename: "\(index)_mask.png"),
                ]
            }
    }

    @Test func aTaskInTilesAnswersEveryKindOfRequest() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Self.form(tiles: 48)).json
            let id = created["task"]?["id"]?.stringValue ?? ""
            #expect(created["task"]?["adaptation"]?["tiles"] == 48)
            #expect(created["job"]?["result"]?["adaptation"]?["tiles"] == 48, "\(created["job"] ?? .null)")
            #expect(created["task"]?["versions"]?[0]?["card"]?["tile_side"] == 48)
            let mask = Data(TestImages.mask(width: Self.width, height: Self.height, x: 50, y: 48, radius: 30))
                .base64EncodedString()
            let requests: [(prompts: String, extra: [FormPart])] = [
                ("{}", []), (#"{"points": [{"x": 50, "y": 48, "label": 1}, {"x": 2, "y": 2, "label": 0}]}"#, []),
                (#"{"boxes": [{"x0": 20, "y0": 18, "x1": 80, "y1": 78}]}"#, []),
                (#"{"boxes": [{"x0": 1, "y0": 1, "x1": 9, "y1": 9}, {"x0": 20, "y0": 18, "x1": 80, "y1": 78}]}"#, []),
                ("{\"mask\": \"\(mask)\", \"points\": [{\"x\": 50, \"y\": 48, \"label\": 1}]}", []),
                ("{}", [FormPart("uncertainty", text: "true")]),
                (
                    #"{"boxes": [{"x0": 20, "y0": 18, "x1": 60, "y1": 60}]}"#, [FormPart("uncertainty", text: "true")]
                ),
                ("{}", [FormPart("instances", text: "true")]), ("{}", [FormPart("flips", text: "true")]),
                (#"{"boxes": [{"x0": 20, "y0": 18, "x1": 60, "y1": 60}]}"#, [FormPart("flips", text: "true")]),
                ("{\"mask\": \"\(mask)\"}", [FormPart("flips", text: "true")]),
            ]
            for request in requests {
                let form = [Self.image, FormPart("prompts", text: request.prompts)] + request.extra
                let response = try await server.client.post("/v1/tasks/\(id)/segment?adapter=1", form: form)
                #expect(response.status == 200, "\(request.prompts): \(response.text)")
                let answer = try response.json
                #expect(answer["tier"] == "adapted")
                #expect(answer["receipt"]?["adaptation"]?["tile_side"] == 48)
                #expect(answer["methods"]?.stringValue?.contains("tiles of 48 pixels") == true)
                let verdict = try await server.client.post(
                    "/v1/verify", form: [FormPart("receipt", text: answer.text()), Self.image]
                ).json
                #expect(verdict["matches"] == true && verdict["differences"] == [], "\(request.prompts)")
            }
            // A small box is answered on the tiles that it meets, and nowhere else.
            let small = try await server.client.post(
                "/v1/tasks/\(id)/segment?adapter=1",
                form: [Self.image, FormPart("prompts", text: #"{"boxes": [{"x0": 1, "y0": 1, "x1": 9, "y1": 9}]}"#)]
            ).json
            let bounds = small["masks"]?[0]?["bounds"]
            #expect(bounds == .null || (bounds?["x1"]?.integerValue ?? 999) < 48, "\(bounds ?? .null)")
        }
    }

    @Test func candidatesOfTilesAreRefused() async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=60", form: Self.form(tiles: 48)).json
            let id = created["task"]?["id"]?.stringValue ?? ""
            let form = [
                Self.image, FormPart("prompts", text: "{}"), FormPart("multimask", text: "true"),
            ]
            let response = try await server.client.post("/v1/tasks/\(id)/segment?adapter=1", form: form)
            #expect(response.status == 400)
            #expect(try response.json["field"] == "multimask")
            #expect(try response.json["hint"]?.stringValue?.isEmpty == false)
        }
    }

    @Test func theDryRunTellsTheTiles() async throws {
        try await withLiveServer { server in
            for (tiles, side): (JSON, JSON) in [(48, 48), ("off", .null), ("auto", .null)] {
                let answer = try await server.client.post("/v1/tasks?dry_run=true", form: Self.form(tiles: tiles)).json
                #expect((answer["estimate"]?["tiles"]?["side"] ?? .null) == side, "\(tiles): \(answer)")
            }
        }
    }

    /// As `adaptation.tiles`, and what is wrong with it.
    @Test(arguments: [(JSON.integer(15), 400), (5_000, 400), ("small", 400), (true, 400), (12.5, 400)])
    func nonsenseIsRefused(_ tiles: JSON, _ status: Int) async throws {
        try await withLiveServer { server in
            for path in ["/v1/tasks", "/v1/tasks?dry_run=true"] {
                let response = try await server.client.post(path, form: Self.form(tiles: tiles))
                #expect(response.status == status)
                #expect(try response.json["field"] == "task.adaptation.tiles")
                #expect(try response.json["hint"]?.stringValue?.isEmpty == false)
            }
        }
    }

    @Test func tilesOfSeveralLabelsAreRefused() async throws {
        try await withLiveServer { server in
            func form(_ tiles: JSON) -> [FormPart] {
                let task: JSON = [
                    "name": "two", "labels": LabelTests.labels, "adaptation": ["steps": 1, "tiles": tiles],
                ]
                return [FormPart("task", text: task.text())] + LabelTests.examples(0..<2)
            }
            for path in ["/v1/tasks", "/v1/tasks?dry_run=true"] {
                let response = try await server.client.post(path, form: form(48))
                #expect(response.status == 400)
                #expect(try response.json["field"] == "task.adaptation.tiles")
                #expect(try response.json["hint"]?.stringValue?.contains("\"off\"") == true)
            }
            for tiles: JSON in ["auto", "off"] {
                let response = try await server.client.post("/v1/tasks?dry_run=true", form: form(tiles))
                #expect(response.status == 200)
                #expect(try response.json["estimate"]?["tiles"] == .null)
            }
        }
    }

    @Test func tooManyTilesAreRefused() async throws {
        try await withLiveServer { server in
            for path in ["/v1/tasks", "/v1/tasks?dry_run=true"] {
                let response = try await server.client.post(path, form: Self.form(tiles: 16, width: 160, height: 150))
                #expect(response.status == 400)
                #expect(try response.json["field"] == "task.adaptation.tiles")
                #expect(try response.json["detail"]?.stringValue?.contains("160x150") == true)
            }
            // What was fine for the first images is too small for these.
            let created = try await server.client.post("/v1/tasks", form: Self.form(tiles: 16, width: 80, height: 70))
                .json
            let id = created["task"]?["id"]?.stringValue ?? ""
            let more = [
                FormPart("image", bytes: TestImages.disc(width: 160, height: 150), filename: "big.png"),
                FormPart("mask", bytes: TestImages.mask(width: 160, height: 150), filename: "big_mask.png"),
            ]
            let response = try await server.client.post("/v1/tasks/\(id)/support", form: more)
            #expect(response.status == 400)
            #expect(try response.json["field"] == "image")
        }
    }

    /// An image that would need too many tiles has larger ones, and the answer says how large.
    @Test func largerTilesAreTold() async throws {
        try await withLiveServer { server in
            let form = Self.form(tiles: 16, width: 80, height: 70)
            let created = try await server.client.post("/v1/tasks?wait=600", form: form).json
            let id = created["task"]?["id"]?.stringValue ?? ""
            let side = Tiling(side: 16).side(width: 160, height: 150)
            #expect(side > 16)
            let image = FormPart("image", bytes: TestImages.disc(width: 160, height: 150), filename: "big.png")
            let answer = try await server.client.post("/v1/tasks/\(id)/segment?adapter=1", form: [image]).json
            #expect(answer["receipt"]?["adaptation"]?["tile_side"]?.integerValue == side, "\(answer.text())")
            #expect(answer["methods"]?.stringValue?.contains("tiles of \(side) pixels") == true)
            let verdict = try await server.client.post(
                "/v1/verify", form: [FormPart("receipt", text: answer.text()), image]
            ).json
            #expect(verdict["matches"] == true && verdict["differences"] == [])
        }
    }
}
