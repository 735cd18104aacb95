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
        Row(images: ["scan1.png", "scan2.png"], masks: ["m1.png", "m2.png"], rule: .name, maskOfImage: [0, 1]),
        // As a shell sorts them: by order three of these would have the masks of others.
        Row(
            images: ["heart10_0000.png", "heart11_0000.png", "heart1_0000.png", "heart2_0000.png"],
            masks: ["heart1.png", "heart10.png", "heart11.png", "heart2.png"], rule: .name, maskOfImage: [1, 2, 0, 3]),
        Row(
            images: ["case2-img.png", "Case1-img.png"], masks: ["case01_msk.png", "case02_msk.png"], rule: .name,
            maskOfImage: [1, 0]),
        Row(
            images: ["p1_s2.png", "p2_s1.png"], masks: ["roi p2 s1.png", "roi p1 s2.png"], rule: .name,
            maskOfImage: [1, 0]),
        Row(images: ["left.png", "right.png"], masks: ["a.png", "b.png"], rule: .order, maskOfImage: [0, 1]),
        Row(images: ["scan.png"], masks: ["truth.png"], rule: .order, maskOfImage: [0]),
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
        Refusal(images: ["s1.png", "s2.png"], masks: ["m2.png", "m3.png"], kind: .unpairedExample, field: "image[0]"),
        Refusal(images: ["s1.png", "s2.png"], masks: ["m.png"], kind: .unpairedExample, field: "mask"),
        Refusal(images: ["s1.png"], masks: ["m1.png", "m2.png"], kind: .unpairedExample, field: "image"),
    ]

    @Test(arguments: refused) func refuses(_ row: Refusal) {
        let problem = #expect(throws: Problem.self) { try Pairing(images: row.images, masks: row.masks) }
        #expect(problem?.kind == row.kind)
        #expect(problem?.field == row.field)
    }
}
