import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct PromptTests {
    private let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 5)
    private let geometry = ImageGeometry(width: 20, height: 10, side: 32)

    private func point(_ x: Float, _ y: Float, _ isForeground: Bool = true) -> Prompt.Point {
        Prompt.Point(x: x, y: y, isForeground: isForeground)
    }

    /// The reference's point embedding, plainly: half a pixel after scaling, then sines and cosines, then the label.
    private func expected(_ x: Float, _ y: Float, label: String) -> [Float] {
        let frequencies = model.parameter("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix").tensor
        let half = frequencies.shape[1]
        let scaled = (x: Double(x) * 32 / 20 + 0.5, y: Double(y) * 16 / 10 + 0.5)
        let place = (x: 2 * scaled.x / 32 - 1, y: 2 * scaled.y / 32 - 1)
        let turns = (0..<half).map { index in
            place.x * Double(frequencies[0, index]) + place.y * Double(frequencies[1, index])
        }
        let features = turns.map { sine(2 * .pi * $0) } + turns.map { cosine(2 * .pi * $0) }
        let embedding = model.parameter("prompt_encoder.\(label).weight").tensor.elements
        return zip(features, embedding).map { Float($0) + $1 }
    }

    @Test func halfAPixelIsAddedAfterScaling() {
        let encoded = PromptEncoder(model)([Prompt(points: [point(7, 3)])], geometry: geometry)
        let found = Array(encoded.sparse.tensor.elements[..<16])
        #expect(relativeError(found, expected(7, 3, label: "point_embeddings.1")) < 1e-5)
    }

    /// A padding point stands beside points without a box; a box alone or with points has none.
    @Test func paddingPointOnlyWithoutABox() {
        let encoder = PromptEncoder(model)
        let box = Prompt.Box(x0: 2, y0: 1, x1: 12, y1: 8)
        let points = [point(7, 3), point(1, 9, false)]
        let alone = encoder([Prompt(points: points)], geometry: geometry).sparse.tensor
        let boxed = encoder([Prompt(points: points, box: box)], geometry: geometry).sparse.tensor
        let boxOnly = encoder([Prompt(box: box)], geometry: geometry).sparse.tensor
        #expect(alone.shape == [1, 3, 16])
        #expect(boxed.shape == [1, 4, 16])
        #expect(boxOnly.shape == [1, 2, 16])
        // The padding point is nowhere: its token is its label alone, without a position.
        let notAPoint = model.parameter("prompt_encoder.not_a_point_embed.weight").tensor.elements
        #expect(Array(alone.elements[32...]) == notAPoint)
        #expect(Array(boxed.elements[32...]) == boxOnly.elements)
        let corners = expected(2, 1, label: "point_embeddings.2") + expected(12, 8, label: "point_embeddings.3")
        #expect(relativeError(boxOnly.elements, corners) < 1e-5)
        let background = Array(alone.elements[16..<32])
        #expect(relativeError(background, expected(1, 9, label: "point_embeddings.0")) < 1e-5)
    }

    @Test func nothingSaidIsNoToken() {
        let encoded = PromptEncoder(model)([.none, .none], geometry: geometry)
        #expect(encoded.sparse.shape == [2, 0, 16])
        #expect(encoded.dense.shape == [1, 1, 1, 16])
        #expect(encoded.dense.tensor.elements == model.parameter("prompt_encoder.no_mask_embed.weight").tensor.elements)
    }

    @Test func masksGiveAMapEach() {
        let side = model.configuration.logitsSide
        let masks = [Tensor(filled: 3, shape: [side, side]), Tensor(filled: -3, shape: [side, side])]
        let encoder = PromptEncoder(model)
        let both = encoder(masks.map { Prompt(maskLogits: $0) }, geometry: geometry).dense.tensor
        #expect(both.shape == [2, 4, 4, 16])
        for (index, mask) in masks.enumerated() {
            let one = encoder([Prompt(maskLogits: mask)], geometry: geometry).dense.tensor
            #expect(relativeError(both.rows(index..<index + 1), one) < 1e-6)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let prompt: Prompt
        let error: PromptError?
        let testDescription: String
    }

    static func row(_ prompt: Prompt, _ error: PromptError?, _ name: String) -> Row {
        Row(prompt: prompt, error: error, testDescription: name)
    }

    static func at(_ x: Float, _ y: Float) -> Prompt { Prompt(points: [Prompt.Point(x: x, y: y, isForeground: true)]) }

    static func box(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float) -> Prompt {
        Prompt(box: Prompt.Box(x0: x0, y0: y0, x1: x1, y1: y1))
    }

    static let many = Prompt(points: [Prompt.Point](repeating: at(1, 1).points[0], count: 257))

    static let rows = [
        row(.none, nil, "nothing"),
        row(at(-0.5, -0.5), nil, "corner of the first pixel"),
        row(at(19.5, 9.5), nil, "corner of the last pixel"),
        row(at(19.6, 5), .outside(field: "points[0].x", value: 19.6, range: -0.5...19.5), "right of the image"),
        row(at(5, -1), .outside(field: "points[0].y", value: -1, range: -0.5...9.5), "above the image"),
        row(at(.nan, 5), .notFinite(field: "points[0].x"), "NaN"),
        row(at(5, .infinity), .notFinite(field: "points[0].y"), "infinity"),
        row(many, .tooManyPoints(count: 257, limit: 256), "too many points"),
        row(box(0, 0, 20, 10), nil, "box up to the pixel after the last"),
        row(box(4, 4, 4, 4), nil, "box of one pixel"),
        row(box(5, 0, 4, 3), .emptyBox(field: "box.x1"), "box turned round"),
        row(box(0, 5, 4, 3), .emptyBox(field: "box.y1"), "box upside down"),
        row(box(0, 0, 21, 3), .outside(field: "box.x1", value: 21, range: -1...20), "box beyond the image"),
        row(box(0, .nan, 4, 3), .notFinite(field: "box.y0"), "box with NaN"),
        row(
            Prompt(maskLogits: Tensor(zeros: [16, 4])), .maskShape(expected: [16, 16], found: [16, 4]),
            "mask of another size"),
        row(Prompt(maskLogits: Tensor(filled: .nan, shape: [16, 16])), .notFinite(field: "mask"), "mask with NaN"),
    ]

    @Test(arguments: rows) func badPromptsAreRefused(_ row: Row) throws {
        let check: () throws(PromptError) -> Void = { () throws(PromptError) in
            try row.prompt.check(width: 20, height: 10, logitsSide: 16)
        }
        if let error = row.error {
            #expect(throws: error) { try check() }
            let predictor = Predictor(model)
            let embedding = predictor.embed(testImage(width: 20, height: 10))
            #expect(throws: PromptError.self) { try predictor.predict(embedding, [.none, row.prompt]) }
            #expect(throws: PromptError.self) { try predictor.segment(embedding, [row.prompt]) }
        } else {
            try check()
        }
    }

    /// 20x10 in a square of 32 is 32x16; in logits of 16 a side it fills 16x8.
    private static let rightHalf = Mask(width: 20, height: 10, pixels: (0..<200).map { $0 % 20 >= 10 ? 1 : 0 })

    @Test func maskBecomesLogits() {
        let logits = Prompt.maskLogits(Self.rightHalf, model: .tiny)
        #expect(logits.shape == [16, 16])
        for y in 0..<16 {
            for x in 0..<16 {
                #expect(abs(logits[y, x] - (x >= 8 && y < 8 ? 10 : -10)) < 1e-5, "at \(x), \(y)")
            }
        }
    }

    private static var drawing: Configuration {
        var configuration = Configuration.tiny
        configuration.drawnPrompts = true
        return configuration
    }

    /// The same figures as in scripts/pretraining/test_pretraining.py.
    @Test func drawnMaskIsSurerFartherFromItsOutline() {
        let logits = Prompt.maskLogits(Self.rightHalf, model: Self.drawing)
        let row: [Float] = [-4, -4, -4, -4, -4, -3.5, -2.5, -1.5, 1.5, 2.5, 3.5, 4, 4, 4, 4, 4]
        for y in 0..<16 {
            for x in 0..<16 {
                #expect(abs(logits[y, x] - (y < 8 ? row[x] : -4)) < 1e-5, "at \(x), \(y)")
            }
        }
    }

    @Test func drawnMaskKeepsWhatIsThinnerThanACell() {
        // A column of pixels of 160: a tenth of one of the 16 cells.
        let line = Mask(width: 160, height: 160, pixels: (0..<25_600).map { $0 % 160 == 45 ? 1 : 0 })
        let logits = Prompt.maskLogits(line, model: Self.drawing)
        for x in 0..<16 { #expect(abs(logits[7, x] - (x == 4 ? -3.8 : -4)) < 1e-5, "at \(x)") }
        let full = Prompt.maskLogits(
            Mask(width: 3, height: 3, pixels: [UInt8](repeating: 1, count: 9)), model: Self.drawing)
        #expect(full.elements.allSatisfy { $0 == 4 })
    }
}
