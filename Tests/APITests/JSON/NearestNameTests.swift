import API
import Testing

@Suite struct NearestNameTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let expected: String?
        var testDescription: String { name }
    }

    static let known = ["points", "boxes", "image", "image_id", "ground_truth", "multimask", "spacing_mm"]
    static let rows = [
        Row(name: "point", expected: "points"),
        Row(name: "Points", expected: "points"),
        Row(name: "piontS", expected: "points"),
        Row(name: "box", expected: "boxes"),
        Row(name: "imageId", expected: "image_id"),
        Row(name: "groundTruth", expected: "ground_truth"),
        Row(name: "spacing", expected: "spacing_mm"),
        Row(name: "zzzzzzz", expected: nil),
        Row(name: "", expected: nil),
        Row(name: String(repeating: "points", count: 1_000), expected: nil),
    ]

    @Test(arguments: rows) func suggests(_ row: Row) {
        #expect(NearestName.suggestion(for: row.name, among: Self.known) == row.expected)
    }

    @Test func countsEditsAsMatricesDo() {
        #expect(NearestName.editDistance(Array(""), Array("abc")) == 3)
        #expect(NearestName.editDistance(Array("abc"), Array("")) == 3)
        #expect(NearestName.editDistance(Array("kitten"), Array("sitting")) == 3)
        #expect(NearestName.editDistance(Array("ab"), Array("ba")) == 1)
        #expect(NearestName.editDistance(Array("abc"), Array("abc")) == 0)
    }
}
