import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct PredictorTests {
    @Test func embeddingCanStopBetweenBlocks() throws {
        struct Stop: Error {}
        let predictor = Predictor(SegmentAnythingModel(configuration: .tiny, randomSeed: 3))
        let image = RGBImage(width: 20, height: 12, filledWith: Colour(red: 90, green: 30, blue: 200))
        let depth = predictor.model.configuration.depth
        var asked = 0
        let embedding = predictor.embed(image) { asked += 1 }
        #expect(asked == depth)
        #expect(embedding.tensor.elements == predictor.embed(image).tensor.elements)
        for limit in 0..<depth {
            var asked = 0
            #expect(throws: Stop.self) {
                try predictor.embed(image) {
                    asked += 1
                    if asked > limit { throw Stop() }
                }
            }
            #expect(asked == limit + 1)
        }
    }

    private let predictor = Predictor(SegmentAnythingModel(configuration: .tiny, randomSeed: 13))
    private let image = testImage(width: 30, height: 22)

    private func point(_ x: Float, _ y: Float) -> Prompt {
        Prompt(points: [Prompt.Point(x: x, y: y, isForeground: true)])
    }

    private var mixture: [Prompt] {
        let box = Prompt.Box(x0: 2, y0: 3, x1: 20, y1: 18)
        let mask = Tensor(filled: 2, shape: [16, 16])
        return [
            point(3, 4), Prompt(box: box), .none, point(20, 9), Prompt(points: point(5, 5).points, box: box),
            Prompt(maskLogits: mask), .none, Prompt(points: point(5, 5).points + point(9, 1).points),
            Prompt(points: point(7, 7).points, maskLogits: mask),
        ]
    }

    @Test(arguments: [false, true]) func answersKeepTheOrderOfMixedPrompts(_ multimask: Bool) throws {
        let embedding = predictor.embed(image)
        let together = try predictor.predict(embedding, mixture, multimask: multimask)
        #expect(together.count == mixture.count)
        for (prompt, masks) in zip(mixture, together) {
            let alone = try predictor.predict(embedding, [prompt], multimask: multimask)[0]
            #expect(masks.count == (multimask ? 3 : 1))
            #expect(masks.map(\.index) == alone.map(\.index))
            for (mask, expected) in zip(masks, alone) {
                #expect(relativeError(mask.lowResolutionLogits, expected.lowResolutionLogits) < 1e-5)
            }
        }
    }

    @Test func singleMaskIsTheFirstOutputAndMultimaskTheOthersBestFirst() throws {
        let embedding = predictor.embed(image)
        let single = try predictor.predict(embedding, [point(3, 4)])[0]
        let many = try predictor.predict(embedding, [point(3, 4)], multimask: true)[0]
        #expect(single.map(\.index) == [0])
        #expect(many.map(\.index).sorted() == [1, 2, 3])
        #expect(many.map(\.predictedIoU) == many.map(\.predictedIoU).sorted(by: >))
    }

    /// More prompts than one batch holds.
    @Test func manyPromptsAreDecodedInBatches() throws {
        let embedding = predictor.embed(image)
        let prompts = (0..<37).map { point(Float($0 % 29), Float($0 % 21)) }
        let answers = try predictor.predict(embedding, prompts)
        #expect(answers.count == 37)
        for index in [0, 15, 16, 36] {
            let alone = try predictor.predict(embedding, [prompts[index]])[0][0]
            #expect(relativeError(answers[index][0].lowResolutionLogits, alone.lowResolutionLogits) < 2e-5)
        }
    }

    @Test func noPromptsGiveNoMasks() throws {
        #expect(try predictor.predict(predictor.embed(image), []).isEmpty)
        #expect(try predictor.segment(predictor.embed(image), []).isEmpty)
    }

    /// The same request gives the same answer, bit for bit.
    @Test func answersAreReproducible() throws {
        let (one, other) = (predictor.embed(image), predictor.embed(image))
        #expect(one.tensor.elements == other.tensor.elements)
        let answers = try [one, other].map { try predictor.segment($0, mixture).map(\.lowResolutionLogits.elements) }
        #expect(answers[0] == answers[1])
    }

    /// The policy for one mask: a lone point takes the best of the multimask outputs, all else the single mask.
    @Test func lonePointOfTheBaseModelTakesTheBestOfSeveral() throws {
        let embedding = predictor.embed(image)
        let chosen = try predictor.segment(embedding, mixture)
        let multimask = try predictor.predict(embedding, mixture, multimask: true)
        for (index, prediction) in chosen.enumerated() {
            let isLonePoint = index == 0 || index == 3
            #expect(prediction.index == (isLonePoint ? multimask[index][0].index : 0))
        }
    }

    /// Models that were taught lone points with the single mask choose from all four. Weights are random, so now one wins, now another.
    @Test func lonePointOfAModelWithDrawnPromptsTakesTheBestOfAll() throws {
        var configuration = Configuration.tiny
        configuration.drawnPrompts = true
        var won = Set<Int>()
        for seed in 0..<12 {
            let drawn = Predictor(SegmentAnythingModel(configuration: configuration, randomSeed: UInt64(seed)))
            let embedding = drawn.embed(image)
            let single = try drawn.predict(embedding, [point(3, 4)])[0]
            let several = try drawn.predict(embedding, [point(3, 4)], multimask: true)[0]
            let best = try #require((single + several).max { $0.predictedIoU < $1.predictedIoU })
            #expect(try drawn.segment(embedding, [point(3, 4)])[0].index == best.index)
            won.insert(best.index)
        }
        #expect(won.contains(0) && won.count > 1)
    }

    /// Adapters are trained on the single mask.
    @Test func adaptedModelAlwaysAnswersWithTheSingleMask() throws {
        let name = "mask_decoder.iou_token.weight"
        let adapted = Predictor(
            predictor.model, adjustment: Adjustment(overrides: [name: predictor.model.parameter(name)]))
        let chosen = try adapted.segment(adapted.embed(image), mixture)
        #expect(chosen.allSatisfy { $0.index == 0 })
    }

    @Test func embeddingKnowsItsSize() {
        let embedding = predictor.embed(image)
        #expect(embedding.tensor.shape == [1, 4, 4, 16])
        #expect(embedding.byteCount >= 4 * 4 * 16 * 4)
        #expect(embedding.geometry == ImageGeometry(width: 30, height: 22, side: 32))
    }

    @Test(arguments: [(1, 1), (1, 40), (200, 1), (5, 3)]) func imagesOfAnyShapeAreSegmented(_ width: Int, height: Int)
        throws
    {
        let embedding = predictor.embed(testImage(width: width, height: height))
        let mask = try predictor.segment(embedding, [.none, point(0, 0)])[1].mask()
        #expect(mask.width == width)
        #expect(mask.height == height)
    }
}
