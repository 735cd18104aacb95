import Foundation
import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// SAM ViT-B at its own size against PyTorch, with a file that is too large to keep:
/// `write_fixtures.py --full-size FILE`, then `GMISEG_FULL_SIZE_REFERENCE=FILE swift test -c release`.
@Suite struct FullSizeParityTests {
    private static let path = ProcessInfo.processInfo.environment["GMISEG_FULL_SIZE_REFERENCE"]

    @Test(.enabled(if: path != nil, "GMISEG_FULL_SIZE_REFERENCE names no file"))
    func officialSizeMatches() throws {
        let path = try #require(Self.path)
        let reference = try Reference(path: path)
        // The file has no configuration: its size is recognised.
        let model = try SegmentAnythingModel(path: path)
        #expect(model.configuration == .vitB)
        let predictor = Predictor(model)
        let embedding = predictor.embed(try reference.image())
        let embeddingError = relativeError(embedding.tensor, try reference.tensor("embedding"))
        let answer = try predictor.predict(embedding, [reference.prompt("box")])[0][0]
        let logits = try reference.tensor("prompt.box.logits").elements
        let logitsError = relativeError(answer.lowResolutionLogits.elements, logits)
        print("sam-vit-b: largest relative difference of embedding \(embeddingError), of logits \(logitsError)")
        #expect(embeddingError < 1e-4)
        #expect(logitsError < 1e-4)
    }
}
