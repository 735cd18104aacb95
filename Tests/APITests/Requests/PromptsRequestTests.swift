import API
import Foundation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct PromptsRequestTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let json: String
        let kind: ProblemKind
        let field: String
        init(_ json: String, _ kind: ProblemKind, _ field: String) {
            (self.json, self.kind, self.field) = (json, kind, field)
        }
        var testDescription: String { json }
    }

    static let refused = [
        Row("[]", .invalidValue, "prompts"),
        Row("1", .invalidValue, "prompts"),
        Row(#"{"point": []}"#, .unknownField, "prompts.point"),
        Row(#"{"points": {}}"#, .invalidValue, "prompts.points"),
        Row(#"{"points": [1]}"#, .invalidValue, "prompts.points[0]"),
        Row(#"{"points": [{"x": 1, "y": 2}]}"#, .missingField, "prompts.points[0].label"),
        Row(#"{"points": [{"x": 1, "label": 1}]}"#, .missingField, "prompts.points[0].y"),
        Row(
            #"{"points": [{"x": 1, "y": 2, "label": 1}, {"x": "1", "y": 2, "label": 1}]}"#, .invalidValue,
            "prompts.points[1].x"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": 2}]}"#, .invalidValue, "prompts.points[0].label"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": 0.5}]}"#, .invalidValue, "prompts.points[0].label"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": 0}]}"#, .invalidValue, "prompts.points"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": "1"}]}"#, .invalidValue, "prompts.points[0].label"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": true}]}"#, .invalidValue, "prompts.points[0].label"),
        Row(#"{"points": [{"x": 1, "y": 2, "label": 1, "z": 3}]}"#, .unknownField, "prompts.points[0].z"),
        Row(#"{"points": [{"x": true, "y": 2, "label": 1}]}"#, .invalidValue, "prompts.points[0].x"),
        Row(#"{"boxes": [{"x0": 1, "y0": 2, "x1": 3}]}"#, .missingField, "prompts.boxes[0].y1"),
        Row(#"{"boxes": [{"x0": 5, "y0": 2, "x1": 3, "y1": 9}]}"#, .invalidValue, "prompts.boxes[0]"),
        Row(#"{"boxes": [{"x0": 1, "y0": 9, "x1": 3, "y1": 2}]}"#, .invalidValue, "prompts.boxes[0]"),
        Row(#"{"boxes": [[1, 2, 3, 4]]}"#, .invalidValue, "prompts.boxes[0]"),
        Row(
            #"{"points": [{"x": 1, "y": 1, "label": 1}], "boxes": [{"x0": 0, "y0": 0, "x1": 1, "y1": 1}, {"x0": 0, "y0": 0, "x1": 1, "y1": 1}]}"#,
            .invalidValue, "prompts.points"),
        Row(
            "{\"points\": [\(Array(repeating: #"{"x": 1, "y": 1, "label": 1}"#, count: 65).joined(separator: ","))]}",
            .tooLarge, "prompts.points"),
        Row(
            "{\"boxes\": [\(Array(repeating: #"{"x0": 0, "y0": 0, "x1": 1, "y1": 1}"#, count: 65).joined(separator: ","))]}",
            .tooLarge, "prompts.boxes"),
        Row(#"{"mask": 1}"#, .invalidValue, "prompts.mask"),
        Row(#"{"mask": "%%"}"#, .invalidValue, "prompts.mask"),
        Row(#"{"mask": "aGVsbG8="}"#, .undecodableImage, "prompts.mask"),
        Row("{\"mask\": \"\(base64(TestImages.emptyMask()))\"}", .emptyMask, "prompts.mask"),
        Row("{\"mask\": \"\(base64(TestImages.mask().dropLast(20)))\"}", .undecodableImage, "prompts.mask"),
        Row(
            "{\"boxes\": [\(box), \(box)], \"mask\": \"\(base64(TestImages.mask()))\"}", .invalidValue, "prompts.mask"),
        Row(#"{"mask": {"size": [2, 2]}}"#, .missingField, "prompts.mask.counts"),
        Row(#"{"mask": {"counts": [4]}}"#, .missingField, "prompts.mask.size"),
        Row(#"{"mask": {"size": [2], "counts": [4]}}"#, .invalidValue, "prompts.mask.size"),
        Row(#"{"mask": {"size": [2, 2, 2], "counts": [4]}}"#, .tooLarge, "prompts.mask.size"),
        Row(#"{"mask": {"size": [2, 1e9], "counts": [4]}}"#, .invalidValue, "prompts.mask.size"),
        Row(#"{"mask": {"size": [0, 0], "counts": []}}"#, .invalidValue, "prompts.mask.size"),
        Row(#"{"mask": {"size": [2, 2], "counts": [1, 4]}}"#, .invalidValue, "prompts.mask.counts"),
        Row(#"{"mask": {"size": [2, 2], "counts": [1, -1, 4]}}"#, .invalidValue, "prompts.mask.counts"),
        Row(#"{"mask": {"size": [2, 2], "counts": [1, 1.5]}}"#, .invalidValue, "prompts.mask.counts"),
        Row(#"{"mask": {"size": [2, 2], "counts": [1, 9223372036854775807]}}"#, .invalidValue, "prompts.mask.counts"),
        Row(#"{"mask": {"size": [2, 2], "counts": [4]}}"#, .emptyMask, "prompts.mask"),
    ]

    private static let box = #"{"x0": 0, "y0": 0, "x1": 1, "y1": 1}"#

    private static func base64(_ bytes: some Collection<UInt8>) -> String { Data(bytes).base64EncodedString() }

    private func request(_ text: String) throws -> PromptsRequest {
        try PromptsRequest(try JSONParser.parse(Array(text.utf8)), path: "prompts")
    }

    @Test(arguments: refused) func refuses(_ row: Row) throws {
        let problem = #expect(throws: Problem.self) { try request(row.json) }
        #expect(problem?.kind == row.kind)
        #expect(problem?.field == row.field)
        #expect(problem?.hint?.isEmpty == false)
    }

    @Test func emptyIsTheOnePromptlessPrompt() throws {
        for text in ["{}", #"{"points": [], "boxes": []}"#, #"{"points": null}"#] {
            #expect(try request(text).prompts(for: .tiny) == [Prompt.none])
        }
    }

    @Test func pointsAndOneBoxAreOnePrompt() throws {
        let prompts = try request(
            #"{"points": [{"x": 1.5, "y": 2, "label": 1}, {"x": 3, "y": 4, "label": 0.0}], "boxes": [{"x0": 0, "y0": 1, "x1": 9, "y1": 8}]}"#
        ).prompts(for: .tiny)
        #expect(
            prompts == [
                Prompt(
                    points: [.init(x: 1.5, y: 2, isForeground: true), .init(x: 3, y: 4, isForeground: false)],
                    box: .init(x0: 0, y0: 1, x1: 9, y1: 8))
            ])
    }

    @Test func severalBoxesAreAPromptEach() throws {
        let prompts = try request(
            #"{"boxes": [{"x0": 0, "y0": 1, "x1": 9, "y1": 8}, {"x0": 2, "y0": 2, "x1": 2, "y1": 2}]}"#
        ).prompts(for: .tiny)
        #expect(prompts.map(\.box) == [.init(x0: 0, y0: 1, x1: 9, y1: 8), .init(x0: 2, y0: 2, x1: 2, y1: 2)])
    }

    /// As a file, as run lengths, and as the request itself writes it.
    @Test func allFormsOfAMaskAreTheSame() throws {
        let png = try request(
            "{\"mask\": \"\(Self.base64(TestImages.mask(width: 6, height: 5, x: 2, y: 2, radius: 1)))\"}")
        // A plus sign about (2, 2), down the columns of five.
        let runs = try request(#"{"mask": {"size": [5, 6], "counts": [7, 1, 3, 3, 3, 1, 12]}}"#)
        #expect(png == runs)
        #expect(try PromptsRequest(png.json, path: "prompts") == png)
        #expect(png.mask?.area == 5)
        #expect(!png.isEmpty)
        let prompt = png.prompts(for: .tiny)
        #expect(prompt.count == 1)
        #expect(prompt[0].maskLogits?.elements == Prompt.maskLogits(try #require(png.mask), model: .tiny).elements)
    }

    @Test func aMaskIsOfTheImagesSize() throws {
        let prompts = try request("{\"mask\": \"\(Self.base64(TestImages.mask()))\"}")
        try prompts.check(width: 48, height: 40, path: "prompts")
        let problem = #expect(throws: Problem.self) { try prompts.check(width: 40, height: 48, path: "prompts") }
        #expect(problem?.kind == .sizeMismatch)
        #expect(problem?.field == "prompts.mask")
        #expect(problem?.hint?.isEmpty == false)
    }

    struct Place: Sendable, CustomTestStringConvertible {
        let json: String
        let field: String?
        var testDescription: String { json }
    }

    /// In an image of 10 × 8 pixels.
    static let places = [
        Place(json: #"{"points": [{"x": 0, "y": 0, "label": 1}, {"x": 9, "y": 7, "label": 1}]}"#, field: nil),
        Place(json: #"{"points": [{"x": -0.5, "y": 7.5, "label": 1}]}"#, field: nil),
        Place(json: #"{"points": [{"x": -0.6, "y": 0, "label": 1}]}"#, field: "prompts.points[0]"),
        Place(json: #"{"points": [{"x": 10, "y": 0, "label": 1}]}"#, field: "prompts.points[0]"),
        Place(json: #"{"points": [{"x": 0, "y": 8, "label": 1}]}"#, field: "prompts.points[0]"),
        Place(json: #"{"points": [{"x": 1e300, "y": 0, "label": 1}]}"#, field: "prompts.points[0]"),
        Place(json: #"{"boxes": [{"x0": 0, "y0": 0, "x1": 9, "y1": 7}]}"#, field: nil),
        Place(json: #"{"boxes": [{"x0": 0, "y0": 0, "x1": 10, "y1": 7}]}"#, field: "prompts.boxes[0]"),
        Place(json: #"{"boxes": [{"x0": -1, "y0": 0, "x1": 9, "y1": 7}]}"#, field: "prompts.boxes[0]"),
        Place(json: #"{"boxes": [{"x0": 0, "y0": 0, "x1": 9, "y1": 8}]}"#, field: "prompts.boxes[0]"),
        Place(json: #"{"boxes": [{"x0": 20, "y0": 20, "x1": 30, "y1": 30}]}"#, field: "prompts.boxes[0]"),
    ]

    @Test(arguments: places) func keepsPromptsInside(_ place: Place) throws {
        let prompts = try request(place.json)
        do {
            try prompts.check(width: 10, height: 8, path: "prompts")
            #expect(place.field == nil)
        } catch {
            #expect(error.kind == .outsideImage)
            #expect(error.field == place.field)
        }
    }
}
