import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// The same weights, image and prompts give what the PyTorch package gives (DESIGN: within 1e-4 relative).
@Suite struct ReferenceParityTests {
    static let tolerance: Float = 1e-4

    @Test(arguments: Reference.models) func everyEncoderStageMatches(_ name: String) throws {
        let reference = try Reference(name)
        let model = try reference.model()
        let preprocessed = Preprocessor(side: model.configuration.imageSize)(try reference.image())
        let encoder = ImageEncoder(model)
        var worst: Float = 0
        var activations = encoder.embedPatches(Value(preprocessed.pixels))
        for count in 0...model.configuration.depth {
            let stage = count == 0 ? "stage.patch" : "stage.block.\(count - 1)"
            if count > 0 { activations = encoder.advanced(activations, through: count - 1) }
            var found = activations.tensor
            var expected = try reference.tensor(stage)
            if count == 0 {
                // The reference adds positions after its patch embedding, this one within.
                let positions = model.parameter("image_encoder.pos_embed").tensor
                expected = Tensor(shape: expected.shape, zip(expected.elements, positions.elements).map { $0 + $1 })
            }
            if expected.shape.count == found.shape.count { found = found.reshaped(expected.shape) }
            let error = relativeError(found, expected)
            #expect(error < Self.tolerance, "\(stage)")
            worst = max(worst, error)
        }
        print("\(name): stages of the encoder, largest relative difference \(worst)")
    }

    @Test(arguments: Reference.models) func embeddingMatches(_ name: String) throws {
        let reference = try Reference(name)
        let embedding = Predictor(try reference.model()).embed(try reference.image())
        let error = relativeError(embedding.tensor, try reference.tensor("embedding"))
        print("\(name): embedding, largest relative difference \(error)")
        #expect(error < Self.tolerance)
    }

    @Test(arguments: Reference.models) func gridEncodingMatches(_ name: String) throws {
        let reference = try Reference(name)
        let found = try reference.model().gridEncoding
        let expected = try reference.tensor("dense_pe")
        #expect(relativeError(found.reshaped(expected.shape), expected) < 1e-5)
    }

    /// Every kind of prompt: a point, several, a box, both, a mask, a mask and a point, nothing.
    @Test(arguments: Reference.models) func logitsAndQualityMatchForEveryPrompt(_ name: String) throws {
        let reference = try Reference(name)
        let model = try reference.model()
        let predictor = Predictor(model)
        let embedding = predictor.embed(try reference.image())
        let kinds = reference.promptKinds
        #expect(kinds.count == 7)
        var worst: (logits: Float, iou: Float) = (0, 0)
        for kind in kinds {
            let prompt = try reference.prompt(kind)
            let encoded = PromptEncoder(model)([prompt], geometry: embedding.geometry)
            let (logits, iou) = MaskDecoder(model)(Value(embedding.tensor), encoded)
            let expectedLogits = try reference.tensor("prompt.\(kind).logits")
            let expectedIoU = try reference.tensor("prompt.\(kind).iou")
            let logitsError = relativeError(logits.tensor.reshaped(expectedLogits.shape), expectedLogits)
            let iouError = relativeError(iou.tensor.reshaped(expectedIoU.shape), expectedIoU)
            #expect(logitsError < Self.tolerance, "logits of \(kind)")
            #expect(iouError < Self.tolerance, "quality of \(kind)")
            worst = (max(worst.logits, logitsError), max(worst.iou, iouError))
        }
        print("\(name): largest relative difference of logits \(worst.logits), of quality \(worst.iou)")
    }

    @Test(arguments: Reference.models) func masksMatchAtTheOriginalSize(_ name: String) throws {
        let reference = try Reference(name)
        let predictor = Predictor(try reference.model())
        let embedding = predictor.embed(try reference.image())
        for kind in reference.promptKinds where reference.has("prompt.\(kind).masks") {
            let expected = try reference.tensor("prompt.\(kind).masks")
            let prompt = try reference.prompt(kind)
            let found =
                try predictor.predict(embedding, [prompt])[0]
                + predictor.predict(embedding, [prompt], multimask: true)[0]
            #expect(found.count == expected.shape[0])
            for prediction in found {
                let mask = prediction.mask()
                #expect([mask.height, mask.width] == Array(expected.shape.suffix(2)))
                let truth = expected.rows(prediction.index..<prediction.index + 1).elements
                let agreeing = zip(mask.pixels, truth).count { Float($0) == $1 }
                #expect(Double(agreeing) >= 0.999 * Double(truth.count), "mask \(prediction.index) of \(kind)")
            }
        }
    }

    @Test(arguments: Reference.models) func upscaledLogitsMatch(_ name: String) throws {
        let reference = try Reference(name)
        let predictor = Predictor(try reference.model())
        let embedding = predictor.embed(try reference.image())
        let found = try predictor.predict(embedding, [reference.prompt("box")])[0][0].logits()
        #expect(relativeError(found, try reference.tensor("upscaled.box").elements) < Self.tolerance)
    }
}
