import API
import Client
import Foundation
import Imaging
import SegmentAnything
import TestSupport
import Testing

/// Tasks whose masks are label maps: bright discs, number 1, in darker rings, number 5.
@Suite struct LabelTests {
    static let labels: JSON = ["1": "disc", "5": "ring"]

    private static func label(_ column: Int, _ row: Int, _ x: Int) -> Int {
        let distance = (row - 18) * (row - 18) + (column - x) * (column - x)
        return distance <= 64 ? 1 : distance <= 225 ? 5 : 0
    }

    static func image(x: Int) -> [UInt8] {
        picture { column, row in
            [0: 30, 1: 200, 5: 110][label(column, row, x), default: 0] + (column + row) / 4
        }
    }

    static func mask(x: Int, _ values: [Int: Int] = [:]) -> [UInt8] {
        picture { column, row in
            let value = label(column, row, x)
            return values[value] ?? value
        }
    }

    private static func picture(_ value: (Int, Int) -> Int) -> [UInt8] {
        let samples = (0..<40 * 48).map { UInt16(value($0 % 48, $0 / 48)) }
        return PNG.encode(RawImage(width: 48, height: 40, channels: 1, bitDepth: 8, samples: samples))
    }

    /// The ring with a disc of five pixels in it.
    private static func dottedMask(x: Int) -> [UInt8] {
        picture { column, row in
            let distance = (row - 18) * (row - 18) + (column - x) * (column - x)
            return distance <= 1 ? 1 : distance <= 225 ? 5 : 0
        }
    }

    /// All labels together are large; the small one is named all the same, and the large one is not.
    @Test func aLabelMayBeTooSmallBesideALargeOne() async throws {
        try await withLiveServer { server in
            let masks = [Self.mask(x: 18), Self.dottedMask(x: 21), Self.mask(x: 24)]
            let form = Self.task(masks: masks)
            let findings = try await server.client.post("/v1/tasks?dry_run=true", form: form).json["findings"]
            let small = (findings?.elements ?? []).filter { $0["code"] == "too-small" }
            #expect(small.count == 1, "\(findings ?? .null)")
            #expect(small.first?["file"] == "1_mask.png" && small.first?["field"] == "mask[1]")
            let message = small.first?["message"]?.stringValue ?? ""
            #expect(message.contains("disc") && !message.contains("ring"), "\(message)")
        }
    }

    /// An imported task has no examples yet: its first ones must show all labels, as those of any task.
    @Test func firstExamplesOfAnImportedTaskShowAllLabels() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Self.task()).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let file = try await client.get("/v1/tasks/\(task)/adapter?version=1").body
            let adapter = FormPart("adapter", bytes: file, filename: "a.safetensors")
            let copy = try await client.post(
                "/v1/tasks", form: [FormPart("task", text: #"{"name": "copy"}"#), adapter]
            ).json
            let path = "/v1/tasks/\(copy["task"]?["id"]?.stringValue ?? "")/support?wait=600"
            let bare = (0..<3).map { Self.mask(x: 18 + 3 * $0, [5: 0]) }
            let refused = try await client.post(path, form: Self.examples(0..<3, masks: bare))
            #expect(refused.status == 422, "\(refused.text)")
            #expect(refused.text.contains("ring"))
            #expect(try await client.post(path, form: Self.examples(0..<3)).status == 201)
        }
    }

    /// The model as it came answers all labels alike: an imported task that has no examples, once its adapter is set aside, says that it finds
    /// none, and not the first one everywhere.
    @Test func withoutExamplesTheBaseTellsNoLabels() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Self.task()).json
            let first = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")"
            let adapter = FormPart(
                "adapter", bytes: try await client.get("\(first)/adapter").body, filename: "a.safetensors")
            let form = [FormPart("task", text: #"{"name": "copy"}"#), adapter]
            let copy = try await client.post("/v1/tasks", form: form).json
            let path = "/v1/tasks/\(copy["task"]?["id"]?.stringValue ?? "")"
            let base = ClientRequest(
                "PUT", "\(path)/served_version", headers: [("Content-Type", "application/json")],
                body: Array(#"{"version": null}"#.utf8))
            #expect(try await client.send(base).status == 200)
            let answer = try await client.post("\(path)/segment", form: Self.segment("{}")).json
            #expect(answer["tier"] == "base")
            #expect(answer["masks"]?.elements?.map { $0["area_px"] } == [0, 0], "\(answer.text())")
            #expect(answer["masks"]?.elements?.map { $0["found"] } == [false, false])
            #expect(Set(try Self.map(answer["label_map_png"]).labels) == [0])
            // Who is asked by a box answers as ever.
            let boxed = try await client.post("\(path)/segment", form: Self.segment("{\"label\": 1, \(Self.box)}")).json
            #expect(boxed["masks"]?.elements?.count == 1)
        }
    }

    static func task(
        _ labels: JSON? = labels, adapter: [UInt8]? = nil, masks: [[UInt8]]? = nil, kind: String = "decoder"
    ) -> [FormPart] {
        var task: [JSON.Member] = [
            .init("name", "target"), .init("spacing_mm", [0.5, 0.5]), .init("adapter", ["kind": .string(kind)]),
            .init(
                "adaptation",
                [
                    "steps": 30, "images_per_step": 2, "augmented_views": 1,
                    "decoder_learning_rate": kind == "lora" ? .null : 0.01,
                    "gate_margin": -1,
                ]),
        ]
        if let labels { task.append(.init("labels", labels)) }
        return [FormPart("task", text: JSON.object(task).text())] + examples(0..<3, masks: masks)
            + (adapter.map { [FormPart("adapter", bytes: $0, filename: "a.safetensors")] } ?? [])
    }

    static func examples(_ indices: Range<Int>, masks: [[UInt8]]? = nil) -> [FormPart] {
        indices.flatMap { index in
            let x = 18 + 3 * index
            return [
                FormPart("image", bytes: image(x: x), filename: "\(index).png"),
                FormPart("mask", bytes: masks?[index] ?? mask(x: x), filename: "\(index)_mask.png"),
            ]
        }
    }

    private static func segment(_ prompts: String, _ extra: [FormPart] = []) -> [FormPart] {
        [FormPart("image", bytes: image(x: 22), filename: "scan.png"), FormPart("prompts", text: prompts)] + extra
    }

    private static func map(_ base64: JSON?) throws -> LabelMap {
        let data = try #require(base64?.stringValue.flatMap { Data(base64Encoded: $0) })
        return try LabelMap(try ImageDecoder.decode([UInt8](data)))
    }

    private static func pixels(_ mask: JSON?) throws -> [UInt8] {
        Mask(
            try ImageDecoder.decode(
                [UInt8](try #require(mask?["png"]?.stringValue.flatMap { Data(base64Encoded: $0) })))
        ).pixels
    }

    private static let box = #""boxes": [{"x0": 7, "y0": 3, "x1": 37, "y1": 33}]"#

    @Test func aTaskOfTwoLabelsFromSupportToLabelMap() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Self.task())
            #expect(created.status == 201, "\(created.text)")
            let answer = try created.json
            let task = answer["task"]?["id"]?.stringValue ?? ""
            #expect(answer["task"]?["labels"] == ["disc", "ring"] && answer["task"]?["label_values"] == [1, 5])
            try Self.checkHeldOut(answer["job"]?["result"]?["held_out"])

            let path = "/v1/tasks/\(task)/segment"
            let all = try await client.post(path, form: Self.segment("{}")).json
            #expect(all["tier"] == "adapted")
            try Self.checkMap(all)
            try await Self.checkPrompts(client, path)
            try await Self.checkGroundTruth(client, path)
            try await Self.checkVerifying(client, path)
            let png = try await client.post(path, form: Self.segment("{}"), headers: [("Accept", "image/png")])
            #expect(try LabelMap(try ImageDecoder.decode(png.body)) == Self.map(all["label_map_png"]))
            #expect(all["methods"]?.stringValue?.contains("disc (1), ring (5)") == true)
        }
    }

    private static func checkHeldOut(_ heldOut: JSON?) throws {
        #expect(heldOut?["labels"]?.elements?.map { $0["value"] } == [1, 5])
        #expect(heldOut?["labels"]?.elements?.map { $0["name"] } == ["disc", "ring"])
        #expect(heldOut?["labels"]?.elements?.map { $0["examples"] } == [3, 3])
        for kind in ["box", "point", "none"] {
            let own = try (0..<2).map { label in
                try #require(heldOut?["labels"]?[label]?["prompts"]?[kind]?["adapted"]?["dice"]?["mean"]?.doubleValue)
            }
            let all = try #require(heldOut?["prompts"]?[kind]?["adapted"]?["dice"]?["mean"]?.doubleValue)
            #expect(abs(all - (own[0] + own[1]) / 2) < 1e-3)
            #expect(heldOut?["gate"]?["prompts"]?[kind]?["harmed_labels"]?.elements != nil)
        }
    }

    /// The masks are the parts of the map, and the map has the task's numbers.
    private static func checkMap(_ answer: JSON) throws {
        let map = try map(answer["label_map_png"])
        let masks = try #require(answer["masks"]?.elements)
        #expect(masks.map { $0["label"] } == ["disc", "ring"] && masks.map { $0["label_value"] } == [1, 5])
        var covered = [UInt16](repeating: 0, count: 48 * 40)
        for mask in masks {
            let value = UInt16(try #require(mask["label_value"]?.integerValue))
            let pixels = try pixels(mask)
            #expect(mask["area_px"]?.integerValue == pixels.reduce(0) { $0 + Int($1) })
            #expect(mask["found"] == .bool(pixels.contains(1)))
            for (index, pixel) in pixels.enumerated() where pixel != 0 {
                #expect(covered[index] == 0)
                covered[index] = value
            }
        }
        #expect(covered == map.labels && !map.values.isEmpty)
        #expect(answer["labels"] == [["value": 1, "name": "disc"], ["value": 5, "name": "ring"]])
        #expect(answer["promptless"]?["labels"]?.elements?.map { $0["label"] } == ["disc", "ring"])
    }

    private static func checkPrompts(_ client: TestClient, _ path: String) async throws {
        var answers: [[JSON?]] = []
        for label in [#""ring""#, "5", #""5""#, "1"] {
            let answer = try await client.post(path, form: segment("{\"label\": \(label), \(box)}")).json
            #expect(answer["masks"]?.elements?.count == 1, "\(answer.text())")
            let value = label == "1" ? 1 : 5
            #expect(answer["masks"]?[0]?["label_value"]?.integerValue == value)
            #expect(try map(answer["label_map_png"]).values.allSatisfy { Int($0) == value })
            #expect(answer["receipt"]?["request"]?["prompts"]?["label"]?.integerValue == value)
            answers.append([answer["masks"]?[0]?["png"], answer["masks"]?[0]?["score"]])
        }
        // However it is called, a label is the same; and another is another.
        #expect(answers[0] == answers[1] && answers[1] == answers[2] && answers[2] != answers[3])
        let alone = try await client.post(path, form: segment(#"{"label": "ring"}"#)).json
        #expect(alone["masks"]?.elements?.count == 1 && alone["promptless"]?["route"] == "model+prototype-map")
        let one = try await client.post(
            path, form: segment(#"{"label": "disc"}"#, [FormPart("instances", text: "true")]))
        #expect(one.status == 200, "\(one.text)")

        let refused: [(prompts: String, extra: [FormPart], field: String)] = [
            ("{\(box)}", [], "prompts.label"), (#"{"label": "rnig"}"#, [], "prompts.label"),
            (#"{"label": 2}"#, [], "prompts.label"), (#"{"label": [1]}"#, [], "prompts.label"),
            ("{}", [FormPart("instances", text: "true")], "prompts.label"),
            ("{}", [FormPart("multimask", text: "true")], "prompts.label"),
            (
                "{}", [FormPart("ground_truth", bytes: mask(x: 22, [5: 7]), filename: "t.png")], "ground_truth"
            ),
        ]
        for row in refused {
            let answer = try await client.post(path, form: segment(row.prompts, row.extra))
            #expect(answer.status == 400 || row.field == "ground_truth" && answer.status == 422, "\(answer.text)")
            #expect(try answer.json["field"]?.stringValue == row.field)
            #expect(try answer.json["hint"]?.stringValue?.isEmpty == false)
        }
        let nearest = try await client.post(path, form: segment(#"{"label": "rnig"}"#)).json
        #expect(nearest["hint"]?.stringValue?.contains("did you mean \"ring\"?") == true)
    }

    private static func checkGroundTruth(_ client: TestClient, _ path: String) async throws {
        let truth = FormPart("ground_truth", bytes: mask(x: 22), filename: "t.png")
        let answer = try await client.post(path, form: segment("{}", [truth])).json
        for (index, value) in [UInt16(1), 5].enumerated() {
            let metrics = answer["masks"]?[index]?["metrics"]
            let (found, own) = (
                try map(answer["label_map_png"]).mask(of: value),
                try LabelMap(try ImageDecoder.decode(mask(x: 22))).mask(of: value)
            )
            let dice = 2 * Double(found.intersectionCount(own)) / Double(max(found.area + own.area, 1))
            #expect(try abs(#require(metrics?["dice"]?.doubleValue) - dice) < 1e-4)
            #expect(metrics?["of"] == "this label")
        }
        let csv = try await client.post(path, form: segment("{}", [truth]), headers: [("Accept", "text/csv")]).text
        let rows = csv.split(separator: "\r\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let (label, dice) = (
            try #require(rows[0].firstIndex(of: "label")), try #require(rows[0].firstIndex(of: "dice"))
        )
        #expect(rows.dropFirst().map { String($0[label]) } == ["disc", "ring"])
        for (row, mask) in zip(rows.dropFirst(), answer["masks"]?.elements ?? []) {
            #expect(Double(row[dice]) == mask["metrics"]?["dice"]?.doubleValue)
        }
    }

    private static func checkVerifying(_ client: TestClient, _ path: String) async throws {
        for prompts in ["{}", #"{"label": "ring"}"#, "{\"label\": 1, \(box)}"] {
            let answer = try await client.post(path, form: segment(prompts)).json
            let form = [
                FormPart("receipt", text: answer.text()), FormPart("image", bytes: image(x: 22), filename: "s.png"),
            ]
            let verdict = try await client.post("/v1/verify", form: form).json
            #expect(verdict["matches"] == true && verdict["differences"] == [], "\(verdict.text())")
        }
    }

    /// Until an adapter answers, each label's own prototypes do; such an answer too can be made again.
    @Test func theBaseTellsLabelsApartByTheSupportSet() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Self.task()).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let base = ClientRequest(
                "PUT", "/v1/tasks/\(task)/served_version", headers: [("Content-Type", "application/json")],
                body: Array(#"{"version": null}"#.utf8))
            // Not the words of the gate, which let the adapter answer.
            let chosen = try await client.send(base)
            #expect(chosen.status == 200)
            #expect(try chosen.json["tier_reason"]?.stringValue?.hasPrefix("the base model was chosen") == true)
            let answer = try await client.post("/v1/tasks/\(task)/segment", form: Self.segment("{}")).json
            #expect(answer["tier"] == "base")
            #expect(answer["receipt"]?["promptless"]?["routes"]?.elements?.count == 2)
            let form = [
                FormPart("receipt", text: answer.text()),
                FormPart("image", bytes: Self.image(x: 22), filename: "s.png"),
            ]
            #expect(try await client.post("/v1/verify", form: form).json["matches"] == true)
        }
    }

    @Test func labelsGoWithTheAdapter() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Self.task()).json
            let path = "/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")"
            let card = created["task"]?["versions"]?[0]?["card"]
            #expect(card?["labels"] == ["disc", "ring"] && card?["label_values"] == [1, 5])
            let file = FormPart(
                "adapter", bytes: try await client.get(path + "/adapter").body, filename: "a.safetensors")

            let imported = try await client.post("/v1/tasks", form: [FormPart("task", text: #"{"name": "b"}"#), file])
            #expect(imported.status == 201, "\(imported.text)")
            let copy = try imported.json["task"]
            #expect(copy?["labels"] == ["disc", "ring"] && copy?["label_values"] == [1, 5])
            let (one, other) = (
                try await client.post(path + "/segment", form: Self.segment(#"{"label": 5}"#)).json,
                try await client.post(
                    "/v1/tasks/\(copy?["id"]?.stringValue ?? "")/segment",
                    form: Self.segment("{\"label\": 5, \(Self.box)}")
                ).json
            )
            #expect(one["receipt"]?["adapter_sha256"] == other["receipt"]?["adapter_sha256"])
            try await helpedWhereScored(server, file)
            for labels in [#"["disc"]"#, #"{"1": "disc", "2": "ring"}"#, #"["a", "b", "c"]"#] {
                let task = FormPart("task", text: "{\"name\": \"b\", \"labels\": \(labels)}")
                let refused = try await client.post("/v1/tasks", form: [task, file])
                #expect(refused.status == 400, "\(refused.text)")
                #expect(try refused.json["field"] == "task.labels")
            }

            // More support need not show every label, but only those of the task.
            let bare = Self.examples(4..<5, masks: (0..<5).map { Self.mask(x: 18 + 3 * $0, [5: 0]) })
            let grown = try await client.post(path + "/support?wait=600", form: bare)
            #expect(grown.status == 201, "\(grown.text)")
            #expect(try grown.json["task"]?["versions"]?.elements?.count == 2)
            let strange = Self.examples(5..<6, masks: (0..<6).map { Self.mask(x: 18 + 3 * $0, [5: 2]) })
            let refused = try await client.post(path + "/support", form: strange)
            #expect(refused.status == 422)
            #expect(try refused.json["field"] == "mask[0]")
        }
    }

    /// Likeness to a support set that had no part in a file's scores does not help it, and verifying asks the task that answered, though the
    /// adapter is in another one as well.
    private func helpedWhereScored(_ server: LiveServer, _ file: FormPart) async throws {
        let task = try await server.client.post("/v1/tasks?wait=600", form: Self.task() + [file]).json["task"]
        let shares = (task?["versions"]?.elements ?? []).map { $0["card"]?["likeness_share"] }
        #expect(shares.count == 2 && shares.count { $0 == 0.5 } == 1 && shares.count { $0 == .null } == 1)
        let path = "/v1/tasks/\(task?["id"]?.stringValue ?? "")/segment"
        for (version, route) in [(1, "model"), (2, "model+prototype-map")] {
            let form = Self.segment(#"{"label": 5}"#)
            let answer = try await server.client.post("\(path)?adapter=\(version)", form: form).json
            #expect(answer["promptless"]?["route"]?.stringValue == route, "\(answer.text())")
            let receipt = [FormPart("receipt", text: answer.text()), form[0]]
            #expect(try await server.client.post("/v1/verify", form: receipt).json["matches"] == true)
        }
    }

    /// An adapter is helped by what the base model finds alike, also one that sees images by an encoder of its own; a receipt repeats that.
    @Test(arguments: ["decoder", "lora"]) func likenessHelpsAnAdapter(_ kind: String) async throws {
        try await withLiveServer { server in
            let created = try await server.client.post("/v1/tasks?wait=600", form: Self.task(kind: kind)).json["task"]
            let path = "/v1/tasks/\(created?["id"]?.stringValue ?? "")"
            #expect(created?["versions"]?[0]?["card"]?["likeness_share"] == 0.5)
            let image = Self.segment("{}")[0]
            func answer(_ prompts: String, _ extra: [FormPart] = []) async throws -> JSON {
                let form = Self.segment(prompts, extra)
                return try await server.client.post(path + "/segment?adapter=1", form: form).json
            }
            func isRepeated(_ answer: JSON) async throws -> Bool {
                let form = [FormPart("receipt", text: answer.text()), image]
                return try await server.client.post("/v1/verify", form: form).json["matches"] == true
            }
            let ways = [[], ["uncertainty"], ["flips"]].map { $0.map { FormPart($0, text: "true") } }
            for extra in ways {
                let found = try await answer("{}", extra)
                #expect(found["tier"] == "adapted", "\(found.text())")
                let routes: JSON = ["model+prototype-map", "model+prototype-map"]
                #expect(found["receipt"]?["promptless"]?["routes"] == routes)
                #expect(found["receipt"]?["promptless"]?["contest"] == "logit+likeness")
                #expect(found["methods"]?.stringValue?.contains("half of the log-odds") == true)
                if extra.first?.name == "uncertainty" {
                    // How the areas of what the contest leaves would move, nobody has tried.
                    let masks = found["masks"]?.elements ?? []
                    #expect(
                        masks.count == 2
                            && masks.allSatisfy { $0["agreement"] != nil && $0["area_interval_px"] == .null })
                }
                #expect(try await isRepeated(found))
            }
            let one = try await answer(#"{"label": "disc"}"#, [FormPart("instances", text: "true")])
            #expect(one["promptless"]?["route"] == "model+prototype-map")
            #expect(try await isRepeated(one))
            // A hand needs no help, and gets none.
            let boxed = try await answer("{\"label\": 5, \(Self.box)}")
            #expect(boxed["promptless"] == .null && boxed["receipt"]?["promptless"] == .null)

            // More examples change nothing of what a version from before them says, so that its held-out scores and receipts hold.
            let before = try await answer("{}")
            let grown = try await server.client.post(path + "/support?wait=600", form: Self.examples(3..<5))
            #expect(grown.status == 201, "\(grown.text)")
            let after = try await answer("{}")
            #expect(after["receipt"] == before["receipt"] && after["masks"] == before["masks"])
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let labels: String
        let masks: [[UInt8]]
        let field: String
        var testDescription: String { name }
    }

    private static func masks(_ values: [Int: Int] = [:]) -> [[UInt8]] {
        (0..<3).map { mask(x: 18 + 3 * $0, values) }
    }

    private static var coloured: [[UInt8]] {
        let raw = RawImage(
            width: 48, height: 40, channels: 3, bitDepth: 8, samples: (0..<40 * 48 * 3).map { $0 % 3 == 0 ? 1 : 0 })
        return [PNG.encode(raw)] + masks().dropFirst()
    }

    static let refused = [
        Row(name: "a value that is not listed", labels: #"{"1": "a", "2": "b"}"#, masks: masks(), field: "mask[0]"),
        Row(
            name: "a black and white mask", labels: #"{"1": "a", "2": "b"}"#, masks: masks([1: 255, 5: 255]),
            field: "mask[0]"),
        Row(
            name: "a label that is never present", labels: #"{"1": "a", "2": "b", "5": "c"}"#, masks: masks(),
            field: "task.labels"),
        Row(name: "a coloured mask", labels: #"{"1": "a", "5": "b"}"#, masks: coloured, field: "mask[0]"),
        Row(
            name: "an empty mask", labels: #"{"1": "a", "5": "b"}"#, masks: masks([1: 0, 5: 0]), field: "mask[0]"),
        Row(name: "one label, another value", labels: #"{"5": "a"}"#, masks: masks(), field: "mask[0]"),
    ]

    @Test(arguments: refused) func refuses(_ row: Row) async throws {
        try await withLiveServer { server in
            let labels = try JSONParser.parse(Array(row.labels.utf8))
            let answer = try await server.client.post("/v1/tasks", form: Self.task(labels, masks: row.masks))
            #expect(answer.status == 422, "\(answer.text)")
            #expect(try answer.json["field"]?.stringValue == row.field)
            #expect(try answer.json["hint"]?.stringValue?.isEmpty == false)
        }
    }

    /// A label map without names is one object, as it always was, and the linter says so and where to name the values.
    @Test func severalValuesWithoutNamesAreOneObject() async throws {
        try await withLiveServer { server in
            let findings = try await server.client.post("/v1/tasks?dry_run=true", form: Self.task(nil)).json["findings"]
            let finding = findings?.elements?.first { $0["code"] == "several-values" }
            #expect(finding?["field"] == "task.labels" && finding?["severity"] == "warning")
            let created = try await server.client.post("/v1/tasks?wait=600", form: Self.task(nil)).json
            let task = created["task"]
            #expect(task?["label_values"] == nil)
            let answer = try await server.client.post(
                "/v1/tasks/\(task?["id"]?.stringValue ?? "")/segment", form: Self.segment("{}")
            ).json
            #expect(answer["label_map_png"] == nil && answer["masks"]?[0]?["label_value"] == nil)
            #expect(answer["receipt"]?["labels"] == nil && answer["masks"]?.elements?.count == 1)
        }
    }

    /// One label with a number of its own has a label map, and needs no saying which.
    @Test func oneLabelMayHaveANumber() async throws {
        try await withLiveServer { server in
            let form = Self.task(["5": "all"], masks: (0..<3).map { Self.mask(x: 18 + 3 * $0, [1: 5]) })
            let created = try await server.client.post("/v1/tasks?wait=600", form: form).json
            let task = created["task"]?["id"]?.stringValue ?? ""
            let answer = try await server.client.post(
                "/v1/tasks/\(task)/segment", form: Self.segment("{\(Self.box)}")
            ).json
            #expect(answer["masks"]?[0]?["label"] == "all" && answer["masks"]?[0]?["label_value"] == 5)
            #expect(try Self.map(answer["label_map_png"]).values.allSatisfy { $0 == 5 })
        }
    }

    @Test func withoutATaskThereAreNoLabels() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/segment", form: Self.segment(#"{"label": "ring"}"#))
            #expect(answer.status == 400)
            #expect(try answer.json["field"] == "prompts.label")
        }
    }
}
