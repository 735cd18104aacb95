import Foundation
import Imaging
import SegmentAnything
import TestSupport
import Testing

/// The model that comes with the service, on the example images that do.
@Suite struct EmbeddedModelTests {
    static let path = Fixtures.repository("models/gmiseg-mini.safetensors")

    /// A structure of the heart from its box. Half-broken arithmetic or weights give less than half of this overlap.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: path), "models/gmiseg-mini.safetensors is not there"))
    func boxesFindTheExamplesOfTheHeart() throws {
        let predictor = Predictor(try SegmentAnythingModel(path: Self.path))
        let folder = Fixtures.repository("examples/cardiac/queries")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/images").sorted().prefix(3)
        #expect(!names.isEmpty)
        for name in names {
            let image = RGBImage(try ImageDecoder.decode(path: "\(folder)/images/\(name)"))
            let truth = Mask(try ImageDecoder.decode(path: "\(folder)/masks/\(name)"))
            let extent = try #require(truth.boundingBox)
            let box = Prompt.Box(
                x0: Float(extent.x0), y0: Float(extent.y0), x1: Float(extent.x1), y1: Float(extent.y1))
            let mask = try predictor.segment(predictor.embed(image), [Prompt(box: box)])[0].mask()
            let dice = Double(2 * mask.intersectionCount(truth)) / Double(mask.area + truth.area)
            print("\(name): Dice \(dice) from its box")
            #expect(dice > 0.75, "\(name)")
        }
    }
}
