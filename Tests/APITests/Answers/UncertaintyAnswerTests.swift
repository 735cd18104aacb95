import API
import Adaptation
import Foundation
import Imaging
import SegmentAnything
import Tensor
import Testing

@Suite struct UncertaintyAnswerTests {
    /// A model that has gone astray answers with what is no number: the pictures are black, and nothing ends.
    @Test(arguments: [Float.nan, .infinity, -.infinity]) func drawsWhatIsNoNumber(_ logit: Float) throws {
        let answer = MaskPrediction(
            lowResolutionLogits: Tensor(filled: logit, shape: [4, 4]), predictedIoU: .nan, index: 0,
            geometry: ImageGeometry(width: 8, height: 6, side: 16))
        let members = UncertaintyAnswer.members(
            MaskSpread(answer, others: [answer]), area: 0, Mask(empty: 8, height: 6), nil)
        for name in ["uncertainty_png", "probability_png"] {
            let text = try #require(members.first { $0.name == name }?.value.stringValue)
            let picture = try ImageDecoder.decode([UInt8](try #require(Data(base64Encoded: text))))
            #expect(picture.width == 8 && picture.height == 6)
            if logit.isNaN { #expect(picture.samples.allSatisfy { $0 == 0 }) }
        }
    }

    /// 255 is 1, and half is above the middle of 256 levels.
    @Test(arguments: [(0, 0), (1 - 1e-6, 255), (1, 255), (0.5, 128), (0.1, 26), (1.01, 255)] as [(Float, UInt8)])
    func greyIsTheNearestLevel(_ share: Float, _ level: UInt8) {
        #expect(MaskSpread.grey(share) == level)
    }
}
