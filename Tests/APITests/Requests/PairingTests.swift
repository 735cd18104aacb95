import API
import Testing

@Suite struct PairingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let images: [String?]
        let masks: [String?]
        let rule: Pairing.Rule
        let maskOfImage: [Int]
        var testDescription: String { "\(images) \(masks)" }
    }

    static let paired = [
        Row(images: ["a.png", "b.png"], masks: ["b.png", "a.png"], rule: .stem, maskOfImage: [1, 0]),
        Row(images: ["a.jpg", "b.jpg"], masks: ["b_mask.png", "a_mask.png"], rule: .stem, maskOfImage: [1, 0]),
        Row(images: ["x/a.1.png"], masks: ["y\\a.1-seg.png"], rule: .stem, maskOfImage: [0]),
        Row(images: ["a_mask.png"], masks: ["a_mask.png"], rule: .stem, maskOfImage: [0]),
        Row(images: ["scan1.png", "scan2.png"], masks: ["m1.png", "m2.png"], rule: .order, maskOfImage: [0, 1]),
        Row(images: [nil, nil], masks: [nil, nil], rule: .order, maskOfImage: [0, 1]),
        Row(images: ["image.png", "image.png"], masks: ["mask.png", "mask.png"], rule: .order, maskOfImage: [0, 1]),
    ]

    @Test(arguments: paired) func pairs(_ row: Row) throws {
        let pairing = try Pairing(images: row.images, masks: row.masks)
        #expect(pairing.rule == row.rule)
        #expect(pairing.maskOfImage == row.maskOfImage)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let images: [String?]
        let masks: [String?]
        let kind: ProblemKind
        let field: String
        var testDescription: String { "\(images) \(masks)" }
    }

    static let refused = [
        Refusal(images: [], masks: [], kind: .missingField, field: "image"),
        Refusal(images: [], masks: ["a.png"], kind: .missingField, field: "image"),
        Refusal(images: ["a.png", "b.png"], masks: ["a.png"], kind: .unpairedExample, field: "image[1]"),
        Refusal(images: ["a.png"], masks: ["a.png", "b.png"], kind: .unpairedExample, field: "mask[1]"),
        // By order these would pair, and pair wrongly.
        Refusal(images: ["a.png", "b.png"], masks: ["b.png", "c.png"], kind: .unpairedExample, field: "image[0]"),
        Refusal(images: ["a.png", "a.jpg"], masks: ["a.png", "b.png"], kind: .unpairedExample, field: "image[1]"),
        Refusal(images: ["a.png", nil], masks: ["a.png", nil], kind: .unpairedExample, field: "image[1]"),
        Refusal(images: ["s1.png", "s2.png"], masks: ["m.png"], kind: .unpairedExample, field: "mask"),
        Refusal(images: ["s1.png"], masks: ["m1.png", "m2.png"], kind: .unpairedExample, field: "image"),
    ]

    @Test(arguments: refused) func refuses(_ row: Refusal) {
        let problem = #expect(throws: Problem.self) { try Pairing(images: row.images, masks: row.masks) }
        #expect(problem?.kind == row.kind)
        #expect(problem?.field == row.field)
    }
}
