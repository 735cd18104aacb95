import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct TilingTests {
    static let sizes = [(100, 100), (99, 250), (250, 33), (20, 31), (700, 500), (64, 64), (65, 64), (4_000, 3_000)]

    /// Every pixel is in a tile, neighbours overlap by a quarter, and there are no more than allowed.
    @Test(arguments: sizes) func tilesCoverTheImage(_ width: Int, _ height: Int) {
        let windows = Tiling(side: 64).windows(width: width, height: height)
        #expect(windows.count <= Tiling.limit)
        for (length, spans) in [
            (width, Set(windows.map { [$0.x0, $0.x1] })), (height, Set(windows.map { [$0.y0, $0.y1] })),
        ] {
            let sorted = spans.sorted { $0[0] < $1[0] }
            #expect(sorted.first?[0] == 0 && sorted.last?[1] == length - 1)
            for (one, other) in zip(sorted, sorted.dropFirst()) {
                #expect(one[1] - one[0] == other[1] - other[0])
                #expect(4 * (one[1] - other[0] + 1) >= one[1] - one[0])
            }
        }
        if width < 500 { #expect(windows.allSatisfy { $0.width == min(64, width) && $0.height == min(64, height) }) }
    }

    @Test func aBoxLimitsTheTiles() {
        let windows = Tiling(side: 64).windows(width: 200, height: 200)
        let box = Prompt(box: Prompt.Box(x0: 10, y0: 12, x1: 30, y1: 40))
        #expect(windows.filter { Tiling.concerns(box, $0) } == [PixelBox(x0: 0, y0: 0, x1: 63, y1: 63)])
        #expect(windows.allSatisfy { Tiling.concerns(.none, $0) })
        #expect(windows.allSatisfy { Tiling.concerns(Prompt(points: [.init(x: 3, y: 3, isForeground: true)]), $0) })
        // The image reaches half a pixel beyond its last centre, and so may a box.
        let edge = Prompt(box: Prompt.Box(x0: -0.5, y0: -0.5, x1: -0.25, y1: -0.25))
        #expect(windows.contains { Tiling.concerns(edge, $0) })
    }

    /// The image reaches half a pixel beyond its last centre, and so may a point: some tile is told of it.
    @Test(arguments: [(-0.5, -0.5), (149.5, 89.5), (149.5, 3), (20, 89.5)] as [(Float, Float)])
    func aPointOnTheEdgeIsInATile(_ x: Float, _ y: Float) throws {
        let prompt = Prompt(points: [.init(x: x, y: y, isForeground: true)])
        try prompt.check(width: 150, height: 90, logitsSide: Self.model.configuration.logitsSide)
        let parts = Tiling(side: 48).windows(width: 150, height: 90).map {
            Tiling.part(of: prompt, mask: nil, in: $0, model: Self.model.configuration)
        }
        #expect(parts.contains { $0.points == prompt.points })
        #expect(parts.contains { $0.points.isEmpty })
    }

    /// The side that tiles really have, which grows where there would be too many.
    @Test func tellsTheSideOfItsTiles() {
        let tiling = Tiling(side: 64)
        for (width, height) in Self.sizes where width > 500 {
            let side = tiling.side(width: width, height: height)
            #expect(tiling.windows(width: width, height: height).allSatisfy { $0.width == side && $0.height == side })
        }
        #expect(tiling.side(width: 100, height: 100) == 64 && tiling.side(width: 4_000, height: 3_000) > 64)
    }

    // MARK: Blending

    /// A tile whose logits are `value` at each pixel's place, as `side` cells.
    private func tile(
        _ window: PixelBox, width: Int, height: Int, quality: Float = 1, _ value: (Float, Float) -> Float
    ) -> MaskPrediction {
        let side = max(window.width, window.height)
        let logits = (0..<side * side).map { cell in
            value(Float(window.x0 + cell % side), Float(window.y0 + cell / side))
        }
        return MaskPrediction(
            lowResolutionLogits: Tensor(shape: [side, side], logits), predictedIoU: quality, index: 0,
            geometry: ImageGeometry(width: width, height: height, window: window, side: side))
    }

    /// Tiles that agree leave no trace of where they met.
    @Test func tilesThatAgreeHaveNoSeam() {
        let (width, height) = (150, 90)
        func plane(_ x: Float, _ y: Float) -> Float { 0.05 * x - 0.1 * y + 1 }
        var mosaic = Mosaic(width: width, height: height)
        for window in Tiling(side: 48).windows(width: width, height: height) {
            mosaic.add(tile(window, width: width, height: height, plane))
        }
        let logits = mosaic.prediction().logits()
        let expected = (0..<width * height).map { plane(Float($0 % width), Float($0 / width)) }
        #expect(zip(logits, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    /// The naive twin: at every pixel the tents of all tiles, written down from their definition.
    @Test func tilesThatDifferAreWeighedByTheDistanceFromTheirEdges() {
        let (width, height) = (60, 40)
        let windows = Tiling(side: 32).windows(width: width, height: height)
        let values = windows.indices.map { Float($0) - 1.5 }
        var mosaic = Mosaic(width: width, height: height)
        for (window, value) in zip(windows, values) {
            mosaic.add(tile(window, width: width, height: height) { _, _ in value })
        }
        let logits = mosaic.prediction().logits()
        for y in 0..<height {
            for x in 0..<width {
                var (sum, total) = (0.0, 0.0)
                for (window, value) in zip(windows, values)
                where x >= window.x0 && x <= window.x1 && y >= window.y0 && y <= window.y1 {
                    let across = Double(min(x - window.x0 + 1, window.x1 - x + 1))
                    let down = Double(min(y - window.y0 + 1, window.y1 - y + 1))
                    sum += across * down * Double(value)
                    total += across * down
                }
                #expect(abs(Double(logits[y * width + x]) - sum / total) < 1e-4, "at \(x), \(y)")
            }
        }
    }

    @Test func whereNoTileIsIsBackground() {
        var mosaic = Mosaic(width: 40, height: 30)
        mosaic.add(tile(PixelBox(x0: 5, y0: 6, x1: 14, y1: 15), width: 40, height: 30, quality: 0.7) { _, _ in 3 })
        let whole = mosaic.prediction()
        #expect(whole.mask().boundingBox == PixelBox(x0: 5, y0: 6, x1: 14, y1: 15))
        #expect(whole.mask().area == 100)
        #expect(mosaic.mask() == whole.mask())
        #expect(abs(whole.predictedIoU - 0.7) < 1e-6)
        // Tiles that draw nothing have no say in the quality.
        mosaic.add(tile(PixelBox(x0: 20, y0: 6, x1: 29, y1: 15), width: 40, height: 30, quality: 0.1) { _, _ in -3 })
        #expect(abs(mosaic.prediction().predictedIoU - 0.7) < 1e-6)
        #expect(Mosaic(width: 3, height: 2).prediction().mask().isEmpty)
    }

    // MARK: A model that answers in tiles

    private static let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)

    /// The model with mask 0 the same everywhere, whatever it is shown.
    private static var constant: Adjustment {
        let last = "mask_decoder.output_hypernetworks_mlps.0.layers.2"
        var adjustment = Adjustment.none
        for (name, value) in [
            ("mask_decoder.output_upscaling.3.weight", Float(0)), ("mask_decoder.output_upscaling.3.bias", 1),
            (last + ".weight", 0), (last + ".bias", 0.25),
        ] {
            let tensor = model.parameter(name).tensor
            adjustment.overrides[name] = Value(
                Tensor(shape: tensor.shape, [Float](repeating: value, count: tensor.count)))
        }
        return adjustment
    }

    @Test func aModelThatAlwaysSaysTheSameSaysItInTilesToo() throws {
        let predictor = Predictor(Self.model, adjustment: Self.constant)
        let image = RGBImage(width: 150, height: 90, grey: (0..<150 * 90).map { UInt8($0 * 7 % 256) })
        let prompts = [
            Prompt.none, Prompt(points: [.init(x: 70, y: 40, isForeground: true)]),
            Prompt(box: .init(x0: 0, y0: 0, x1: 149, y1: 89)),
        ]
        let tiled = TiledImage(image, tiling: Tiling(side: 48), by: predictor)
        for prompt in prompts {
            let whole = try EmbeddedImage(image, by: predictor).segment(prompt)
            let parts = try tiled.segment(prompt)
            let (expected, found) = (whole.logits(), parts.logits())
            #expect(expected.allSatisfy { $0 > 0.1 })
            #expect(zip(expected, found).allSatisfy { abs($0 - $1) < 1e-4 })
            #expect(whole.mask() == parts.mask())
        }
    }

    /// One tile is the image itself.
    @Test func anImageOfOneTileIsAnsweredAsAWhole() throws {
        let predictor = Predictor(Self.model)
        let image = RGBImage(width: 40, height: 32, grey: (0..<40 * 32).map { UInt8($0 * 11 % 256) })
        let tiled = TiledImage(image, tiling: Tiling(side: 64), by: predictor)
        let prompt = Prompt(points: [.init(x: 20, y: 16, isForeground: true), .init(x: 3, y: 3, isForeground: false)])
        let (whole, part) = (try EmbeddedImage(image, by: predictor).segment(prompt), try tiled.segment(prompt))
        #expect(zip(whole.logits(), part.logits()).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func everyTileIsEmbeddedOnceAndOnlyWhenABoxWantsIt() throws {
        let predictor = Predictor(Self.model)
        let image = RGBImage(width: 150, height: 90, grey: (0..<150 * 90).map { UInt8($0 * 7 % 256) })
        var embedded: [PixelBox] = []
        let tiled = TiledImage(width: 150, height: 90, tiling: Tiling(side: 48), by: predictor) { window in
            embedded.append(window)
            return predictor.embed(image, window: window)
        }
        let answer = try tiled.segment(Prompt(box: .init(x0: 4, y0: 4, x1: 20, y1: 20)))
        #expect(embedded == [PixelBox(x0: 0, y0: 0, x1: 47, y1: 47)])
        #expect(answer.mask().boundingBox.map { $0.x1 < 48 && $0.y1 < 48 } ?? true)
        _ = try tiled.segment(.none)
        _ = try tiled.segment(Prompt(points: [.init(x: 70, y: 40, isForeground: true)]), mask: answer.mask())
        #expect(embedded.count == Tiling(side: 48).windows(width: 150, height: 90).count)
        #expect(throws: PromptError.self) {
            try tiled.segment(Prompt(points: [.init(x: 700, y: 40, isForeground: true)]))
        }
    }
}
