import Imaging
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// A file that `scripts/reference/write_fixtures.py` wrote: a model and what PyTorch makes of it.
struct Reference: Sendable, CustomTestStringConvertible {
    static let models = ["padded-windows", "interpolated-tables", "uneven-patches", "small-activations"]

    /// The file's path.
    private let path: String
    private let file: SafetensorsFile

    init(_ name: String) throws { try self.init(path: Self.path(name)) }

    init(path: String) throws {
        self.path = path
        file = try SafetensorsFile(path: path)
    }

    static func path(_ name: String) -> String { Fixtures.path("reference/\(name).safetensors") }

    var testDescription: String { path }

    var names: [String] { file.names }

    func has(_ name: String) -> Bool { file.shape(of: name) != nil }

    func tensor(_ name: String) throws -> Tensor { try file.tensor(name) }

    func model() throws -> SegmentAnythingModel { try SegmentAnythingModel(path: path) }

    /// The image of bytes stored under `name`, `[height, width, 3]`.
    func image(_ name: String = "image") throws -> RGBImage {
        let tensor = try tensor(name)
        return RGBImage(width: tensor.shape[1], height: tensor.shape[0], pixels: tensor.elements.map { UInt8($0) })
    }

    /// Names of the stored prompts.
    var promptKinds: [String] {
        file.names.filter { $0.hasPrefix("prompt.") && $0.hasSuffix(".logits") }
            .map { String($0.dropFirst("prompt.".count).dropLast(".logits".count)) }
    }

    func prompt(_ kind: String) throws -> Prompt {
        var prompt = Prompt()
        if has("prompt.\(kind).point_coords") {
            let places = try tensor("prompt.\(kind).point_coords").elements
            let labels = try tensor("prompt.\(kind).point_labels").elements
            prompt.points = labels.indices.map { index in
                Prompt.Point(x: places[2 * index], y: places[2 * index + 1], isForeground: labels[index] == 1)
            }
        }
        if has("prompt.\(kind).box") {
            let box = try tensor("prompt.\(kind).box").elements
            prompt.box = Prompt.Box(x0: box[0], y0: box[1], x1: box[2], y1: box[3])
        }
        if has("prompt.\(kind).mask_input") {
            let mask = try tensor("prompt.\(kind).mask_input")
            prompt.maskLogits = mask.reshaped(Array(mask.shape.suffix(2)))
        }
        return prompt
    }
}

/// The largest difference between two tensors relative to the largest magnitude expected; infinite for other shapes.
func relativeError(_ found: Tensor, _ expected: Tensor) -> Float {
    guard found.shape == expected.shape else { return .infinity }
    return relativeError(found.elements, expected.elements)
}

/// A reproducible picture with edges, smooth parts and noise.
func testImage(width: Int, height: Int, seed: Int = 1) -> RGBImage {
    let pixels = (0..<width * height * 3).map { index in
        let (x, y, channel) = (index / 3 % width, index / 3 / width, index % 3)
        let wave = (x * (seed + 2) + y * 5 + channel * 40) % 200
        return UInt8(wave + (x > width / 2 && y > height / 3 ? 55 : 0))
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}
