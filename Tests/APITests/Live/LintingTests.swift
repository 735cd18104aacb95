import API
import Client
import Foundation
import Imaging
import TestSupport
import Testing

/// Everything that can be wrong with a support set: each row spoils one that is fine.
@Suite struct LintingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let code: String
        let severity: String
        let file: String?
        let field: String?
        let spoil: @Sendable (inout Support) -> Void
        var testDescription: String { code }

        init(
            _ code: String, _ severity: String, _ file: String?, _ field: String?,
            _ spoil: @escaping @Sendable (inout Support) -> Void
        ) {
            (self.code, self.severity, self.file, self.field, self.spoil) = (code, severity, file, field, spoil)
        }
    }

    /// Files as a client would send them.
    struct Support: Sendable {
        var task = #"{"name": "disc", "spacing_mm": 0.5, "adapter": {"kind": "decoder"}}"#
        var images: [(name: String, bytes: [UInt8])] = []
        var masks: [(name: String, bytes: [UInt8])] = []

        static let stems = ["a", "b", "c", "d", "e"]

        /// Five discs on a ground that is brighter on the left.
        init() {
            for (index, stem) in Self.stems.enumerated() {
                let x = 14 + 5 * index
                images.append((stem + ".png", Self.picture { column, row in Self.level(column, row, x) }))
                masks.append((stem + "_mask.png", TestImages.mask(x: x, y: 10 + 5 * index, radius: 8)))
            }
        }

        static func level(_ column: Int, _ row: Int, _ x: Int) -> Int {
            let y = x - 4
            let isInside = (row - y) * (row - y) + (column - x) * (column - x) <= 64
            return (isInside ? 200 : 0) + (column < 24 ? 55 : 10) + (row * 7 + column * 3) % 5
        }

        static func picture(_ level: (Int, Int) -> Int) -> [UInt8] {
            let pixels = (0..<40 * 48).map { UInt8(clamping: level($0 % 48, $0 / 48)) }
            return PNG.encode(RGBImage(width: 48, height: 40, grey: pixels))
        }

        var form: [FormPart] {
            [FormPart("task", text: task)]
                + images.map { FormPart("image", bytes: $0.bytes, filename: $0.name) }
                + masks.map { FormPart("mask", bytes: $0.bytes, filename: $0.name) }
        }
    }

    static let rows = [
        Row("size-mismatch", "error", "b_mask.png", "mask[1]") { $0.masks[1].bytes = TestImages.mask(width: 40) },
        Row("empty-mask", "error", "c_mask.png", "mask[2]") { $0.masks[2].bytes = TestImages.emptyMask() },
        Row("full-mask", "warning", "a_mask.png", "mask[0]") { $0.masks[0].bytes = TestImages.mask(radius: 99) },
        Row("inverted-mask", "warning", "b_mask.png", "mask[1]") {
            $0.masks[1].bytes = PNG.encode(Mask(inverting: TestImages.mask()))
        },
        Row("grey-mask", "warning", "d_mask.png", "mask[3]") {
            $0.masks[3].bytes = fixture("mask.jpg")
        },
        Row("swapped", "error", "e.png", "image[4]") {
            ($0.images[4].bytes, $0.masks[4].bytes) = ($0.masks[4].bytes, fixture("scan.png"))
        },
        Row("flat-image", "error", "a.png", "image[0]") { $0.images[0].bytes = Support.picture { _, _ in 90 } },
        Row("duplicate", "warning", "d.png", "image[3]") { support in
            (support.images[3].bytes, support.masks[3].bytes) = (support.images[1].bytes, support.masks[1].bytes)
        },
        Row("near-duplicate", "warning", "d.png", "image[3]") {
            $0.images[3].bytes = Support.picture { x, y in Support.level(x, y, 19) + (x == 3 ? 2 : 0) }
        },
        Row("same-patient", "info", "p1_a.png", "image[0]") { support in
            for (index, name) in ["p1_a", "p1_b", "p2_a", "p3_a", "p4_a"].enumerated() {
                support.images[index].name = name + ".png"
                support.masks[index].name = name + ".png"
            }
        },
        Row("one-patient", "warning", nil, "task.patients") { support in
            for (index, letter) in "abcde".enumerated() {
                support.images[index].name = "case7_\(letter).png"
                support.masks[index].name = "case7_\(letter).png"
            }
        },
        Row("missing-spacing", "info", nil, nil) { $0.task = #"{"name": "disc"}"# },
        Row("polarity", "warning", "b.png", "image[1]") {
            $0.images[1].bytes = Support.picture { x, y in 255 - Support.level(x, y, 19) }
        },
        Row("orientation", "warning", "c.png", "image[2]") { support in
            // The ground tells left from right; the disc is in the middle.
            for index in support.images.indices {
                let isMirrored = index == 2
                support.images[index].bytes = Support.picture { x, y in
                    ((isMirrored ? 47 - x : x) < 20 ? 180 : 20) + (x * index + y) % 7
                        + (abs(x - 24) + abs(y - 20) < 9 ? 60 : 0)
                }
                support.masks[index].bytes = TestImages.mask(x: 24, y: 20, radius: 7)
            }
        },
        Row("several-values", "warning", "a_mask.png", "task.labels") { $0.masks[0].bytes = Self.labelled([1, 2]) },
        Row("rare-value", "warning", nil, nil) { $0.masks[0].bytes = Self.labelled([1, 2]) },
        Row("unusable-example", "error", "b_mask.png", "mask[1]") { support in
            support.task = twoLabels
            for index in support.masks.indices { support.masks[index].bytes = labelled(index == 1 ? [1, 3] : [1, 2]) }
        },
        Row("absent-label", "error", nil, "task.labels") { support in
            support.task = twoLabels
            for index in support.masks.indices { support.masks[index].bytes = labelled([1]) }
        },
        Row("rare-label", "warning", nil, "task.labels") { support in
            support.task = twoLabels
            for index in support.masks.indices { support.masks[index].bytes = labelled(index == 1 ? [1, 2] : [1]) }
        },
        Row("partial-label", "info", nil, "task.labels") { support in
            support.task = twoLabels
            for index in support.masks.indices { support.masks[index].bytes = labelled(index == 1 ? [1] : [1, 2]) }
        },
        Row("too-small", "warning", "b_mask.png", "mask[1]") { $0.masks[1].bytes = TestImages.mask(x: 19, radius: 1) },
        Row("few-examples", "warning", nil, nil) { support in
            (support.images, support.masks) = ([support.images[0]], [support.masks[0]])
        },
        Row("undecodable-image", "error", "b.png", "image[1]") {
            $0.images[1].bytes = Array($0.images[1].bytes.dropLast(60))
        },
        Row("unpaired-example", "error", nil, "image[4]") { $0.masks.removeLast() },
    ]

    private static let twoLabels = #"{"name": "t", "spacing_mm": 0.5, "labels": {"1": "left", "2": "right"}}"#

    /// A mask saved as JPEG, and a noisy picture; 48 × 40 pixels.
    private static func fixture(_ name: String) -> [UInt8] {
        Array(FileManager.default.contents(atPath: Fixtures.path("lint/" + name)) ?? Data())
    }

    /// A mask with a stripe of each value.
    private static func labelled(_ values: [UInt8]) -> [UInt8] {
        let pixels = (0..<40 * 48).map { index in
            (10..<30).contains(index / 48) && index % 48 < 24 ? values[index % 48 * values.count / 24] : 0
        }
        return PNG.encode(RGBImage(width: 48, height: 40, grey: pixels))
    }

    @Test(arguments: rows) func findsWhatIsWrong(_ row: Row) async throws {
        var support = Support()
        row.spoil(&support)
        try await withLiveServer { [support] server in
            let answer = try await server.client.post("/v1/tasks?dry_run=true", form: support.form)
            #expect(answer.status == 200, "\(answer.text)")
            let findings = try answer.json["findings"]?.elements ?? []
            let found = findings.first { $0["code"]?.stringValue == row.code }
            #expect(found?["severity"]?.stringValue == row.severity, "\(findings.map { $0.text() })")
            #expect(found?["file"]?.stringValue == row.file)
            #expect(found?["field"]?.stringValue == row.field)
            #expect(found?["message"]?.stringValue?.isEmpty == false && found?["hint"]?.stringValue?.isEmpty == false)
            // Only looked at: nothing is stored.
            #expect(try await server.client.get("/v1/tasks").json["tasks"] == [])
            // What is an error is refused when it is meant.
            if row.severity == "error" {
                let refused = try await server.client.post("/v1/tasks", form: support.form)
                #expect(refused.status == 422)
                #expect(try refused.json["field"]?.stringValue == row.field)
            }
        }
    }

    /// As fluorescence microscopes save a stain: the other colours are all 0, and what is the same in all pixels is not the image.
    @Test(arguments: [1, 2]) func anImageOfOneColourIsNotFlat(_ colour: Int) async throws {
        var support = Support()
        for (index, image) in support.images.enumerated() {
            let grey = try ImageDecoder.decode(image.bytes)
            let pixels = (0..<3 * 40 * 48).map { $0 % 3 == colour ? UInt8(grey.samples[$0 / 3 * grey.channels]) : 0 }
            support.images[index].bytes = PNG.encode(RGBImage(width: 48, height: 40, pixels: pixels))
        }
        try await withLiveServer { [support] server in
            let answer = try await server.client.post("/v1/tasks?dry_run=true", form: support.form).json
            #expect(answer["findings"] == [], "\(answer["findings"]?.text() ?? "")")
            #expect(try await server.client.post("/v1/tasks", form: support.form).status == 202)
        }
    }

    /// The message of the finding of `code` that a dry run has of the support set; nil when it has none.
    private func message(_ code: String, of support: Support) async throws -> String? {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/tasks?dry_run=true", form: support.form).json
            return answer["findings"]?.elements?.first { $0["code"]?.stringValue == code }?["message"]?.stringValue
        }
    }

    /// Of the same area, and yet another: mirrored by an export.
    @Test func twoMasksOfOneImageContradictEachOther() async throws {
        var support = Support()
        support.images[3].bytes = support.images[1].bytes
        support.masks[1].bytes = TestImages.mask(x: 12, radius: 8)
        support.masks[3].bytes = TestImages.mask(x: 48 - 1 - 12, radius: 8)
        #expect(try await message("duplicate", of: support)?.hasSuffix("but its mask is another") == true)
    }

    /// A mask that was blurred: its brightest pixels lie far below the first rows that mark anything.
    @Test func theGreyOfASoftMaskIsCountedAgainstItsBrightest() async throws {
        var support = Support()
        let pixels = (0..<40 * 48).map { index -> UInt8 in
            let (x, y) = (Double(index % 48 - 24), Double(index / 48 - 24))
            return UInt8(255 * exp(-(x * x + y * y) / 60))
        }
        support.masks[3].bytes = PNG.encode(RGBImage(width: 48, height: 40, grey: pixels))
        let marked = pixels.count { $0 > 0 }
        let grey = pixels.count { $0 > 0 && $0 < 229 }
        let message = try #require(try await message("grey-mask", of: support))
        let share = try #require(Double(message.prefix { $0 != " " }))
        #expect(abs(share - 100 * Double(grey) / Double(marked)) < 0.1, "\(message)")
    }

    /// More is said of those than that they are few.
    @Test func ofExamplesThatCannotBeReadNoneIsFew() async throws {
        var support = Support()
        for index in support.images.indices { support.images[index].bytes = [1, 2, 3] }
        #expect(try await message("few-examples", of: support) == nil)
        #expect(try await message("undecodable-image", of: support) != nil)
    }

    @Test func aGoodSetHasNothingWrong() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/tasks?dry_run=true", form: Support().form).json
            #expect(answer["findings"] == [], "\(answer["findings"]?.text() ?? "")")
            #expect(answer["pairing"]?["by"] == "stem")
            #expect(answer["examples"]?.elements?.map { $0["stem"]?.stringValue } == Support.stems)
            let seconds = try #require(answer["estimate"]?["seconds"]?.doubleValue)
            #expect(seconds > 0)
            #expect(try #require(answer["estimate"]?["memory_bytes"]?.integerValue) > 1 << 20)
        }
    }

    /// As the job will: one picture is of one patient, under whatever names it comes.
    @Test func theDryRunGroupsEqualPictures() async throws {
        var support = Support()
        support.images[3].bytes = support.images[1].bytes
        support.masks[3].bytes = support.masks[1].bytes
        try await withLiveServer { [support] server in
            let answer = try await server.client.post("/v1/tasks?dry_run=true", form: support.form).json
            #expect(answer["examples"]?.elements?.map { $0["patient"] } == [1, 2, 3, 2, 4], "\(answer.text())")
            let created = try await server.client.post("/v1/tasks?wait=600", form: support.form).json
            let heldOut = created["job"]?["result"]?["held_out"]
            #expect(heldOut?["folds"] == 4 && heldOut?["grouped_by"] == "picture", "\(heldOut?.text() ?? "")")
        }
    }

    @Test func theJobSaysItToo() async throws {
        var support = Support()
        support.task = #"{"name": "d", "adapter": {"kind": "decoder"}, "adaptation": {"steps": 1}}"#
        support.masks[1].bytes = TestImages.mask(x: 19, radius: 1)
        try await withLiveServer { [support] server in
            let created = try await server.client.post("/v1/tasks?wait=600", form: support.form).json
            let codes = created["job"]?["result"]?["findings"]?.elements?.map { $0["code"]?.stringValue }
            #expect(codes == ["too-small", "missing-spacing"], "\(created.text())")
        }
    }

    @Test func moreStepsTakeLonger() async throws {
        try await withLiveServer { server in
            func seconds(_ steps: Int) async throws -> Double {
                var support = Support()
                support.task = "{\"name\": \"d\", \"adaptation\": {\"steps\": \(steps), \"budget_seconds\": 86400}}"
                let answer = try await server.client.post("/v1/tasks?dry_run=true", form: support.form).json
                return try #require(answer["estimate"]?["seconds"]?.doubleValue)
            }
            let (short, long) = (try await seconds(100), try await seconds(10_000))
            #expect(long > 10 * short)
        }
    }

    @Test func aDryRunIsTrueOrFalse() async throws {
        try await withLiveServer { server in
            let answer = try await server.client.post("/v1/tasks?dry_run=yes", form: Support().form)
            #expect(answer.status == 400)
            #expect(try answer.json["field"] == "query.dry_run")
        }
    }

    /// An adapter that comes along is checked as if it were imported, and nothing is kept.
    @Test func theDryRunChecksTheAdapter() async throws {
        try await withLiveServer { server in
            let client = server.client
            let created = try await client.post("/v1/tasks?wait=600", form: Forms.task(steps: 20)).json
            let file = try await client.get("/v1/tasks/\(created["task"]?["id"]?.stringValue ?? "")/adapter").body
            var damaged = file
            damaged[8] = 0
            let alone = [Forms.task()[0]]
            for (form, bytes, status) in [
                (alone, file, 200), (Forms.task(), file, 200), (alone, damaged, 422), (Forms.task(), damaged, 422),
            ] {
                let response = try await client.post(
                    "/v1/tasks?dry_run=true",
                    form: form + [FormPart("adapter", bytes: bytes, filename: "a.safetensors")])
                #expect(response.status == status, "\(response.text)")
                let answer = try response.json
                if status == 200 {
                    #expect((answer["estimate"] == .null) == (form.count == 1))
                    #expect(answer["examples"]?.elements?.count == (form.count == 1 ? 0 : 2))
                } else {
                    #expect(answer["field"] == "adapter")
                    #expect(answer["hint"]?.stringValue?.isEmpty == false)
                }
            }
            #expect(try await client.get("/v1/tasks").json["tasks"]?.elements?.count == 1)
        }
    }
}

extension Mask {
    /// - Parameter png: A mask's file, of which everything else is marked.
    fileprivate init(inverting png: [UInt8]) {
        guard let raw = try? ImageDecoder.decode(png) else {
            preconditionFailure("a mask of the tests does not decode")
        }
        let mask = Mask(raw)
        self.init(width: mask.width, height: mask.height, pixels: mask.pixels.map { 1 - $0 })
    }
}
