import Adaptation
import Basics
import Imaging
import SegmentAnything
import Tensor

/// A row of a table-driven test, named in failures.
protocol NamedRow: Sendable {
    var name: String { get }
}

/// Bright discs on a dark ground, one per image, each with its mask: a task that a tiny model can learn.
func discs(_ count: Int, width: Int = 40, height: Int = 32, seed: UInt64 = 7) -> [Example] {
    var generator = SeededRandom(seed: seed)
    return (0..<count).map { _ in
        let radius = 6 + generator.index(below: 4)
        let x0 = radius + generator.index(below: width - 2 * radius)
        let y0 = radius + generator.index(below: height - 2 * radius)
        var grey = [UInt8](repeating: 0, count: width * height)
        var mask = grey
        for y in 0..<height {
            for x in 0..<width {
                let inside = (x - x0) * (x - x0) + (y - y0) * (y - y0) <= radius * radius
                grey[y * width + x] = UInt8((inside ? 180 : 60) + generator.index(below: 20))
                mask[y * width + x] = inside ? 1 : 0
            }
        }
        return Example(
            image: RGBImage(width: width, height: height, grey: grey),
            mask: Mask(width: width, height: height, pixels: mask))
    }
}

/// One random model for all tests: building it costs more than most of them.
let tinyModel = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)

/// A short recipe for the tiny model.
func quick(_ kind: AdapterKind, steps: Int = 6, seed: UInt64 = 1) -> AdaptationSettings {
    AdaptationSettings(
        kind: kind, steps: steps, learningRate: 5e-3, decoderLearningRate: 2e-3, imagesPerStep: 1, augmentedViews: 6,
        seed: seed)
}
