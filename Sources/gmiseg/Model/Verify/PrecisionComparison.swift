import Adaptation
import Basics
import Imaging
import Metrics
import SegmentAnything

/// Segments images with a model's floats and with its 8-bit weights, and counts how far the masks agree.
struct PrecisionComparison {
    /// The intersection over union of one prompt's two masks.
    struct Agreement {
        let prompt: String
        let iou: Double
    }

    private let exact: Predictor
    private let quantized: Predictor

    init(_ model: SegmentAnythingModel, weights: QuantizedWeights) {
        exact = Predictor(model)
        quantized = Predictor(model, precision: .int8(weights))
    }

    /// One agreement for each prompt: simulated from `mask` if there is one and it marks something, else laid out on a
    /// grid. Equal seeds give equal prompts.
    func compare(_ image: RGBImage, mask: Mask?, seed: UInt64) throws -> [Agreement] {
        let prompts = Self.simulated(mask, seed: seed) ?? Self.grid(width: image.width, height: image.height)
        let one = try exact.segment(exact.embed(image), prompts.map(\.prompt))
        let other = try quantized.segment(quantized.embed(image), prompts.map(\.prompt))
        return try zip(prompts, zip(one, other)).map { prompt, masks in
            let metrics = try SegmentationMetrics(prediction: masks.1.mask(), groundTruth: masks.0.mask())
            return Agreement(prompt: prompt.name, iou: metrics.jaccard)
        }
    }

    /// A box, a point, and several points, as a user might have given them.
    private static func simulated(_ mask: Mask?, seed: UInt64) -> [(name: String, prompt: Prompt)]? {
        guard let mask, let simulator = PromptSimulator(mask: mask) else { return nil }
        var random = SeededRandom(seed: seed)
        return [PromptKind.box, .point, .points].map { ($0.rawValue, simulator.prompt($0, using: &random)) }
    }

    /// Four quarters and the middle as boxes, and three by three points.
    private static func grid(width: Int, height: Int) -> [(name: String, prompt: Prompt)] {
        let (right, bottom) = (Float(width - 1), Float(height - 1))
        func box(_ x0: Float, _ y0: Float, _ x1: Float, _ y1: Float) -> (String, Prompt) {
            ("box", Prompt(box: .init(x0: x0 * right, y0: y0 * bottom, x1: x1 * right, y1: y1 * bottom)))
        }
        let boxes = [
            box(0, 0, 0.5, 0.5), box(0.5, 0, 1, 0.5), box(0, 0.5, 0.5, 1), box(0.5, 0.5, 1, 1), box(0.2, 0.2, 0.8, 0.8),
        ]
        let thirds: [Float] = [1.0 / 6, 0.5, 5.0 / 6]
        let points = thirds.flatMap { y in
            thirds.map { x in
                ("point", Prompt(points: [.init(x: x * right, y: y * bottom, isForeground: true)]))
            }
        }
        return boxes + points
    }
}
