import API
import Foundation
import Imaging
import SegmentAnything
import Tensor

/// What `scripts/reference/record_checkpoint.py` wrote down of PyTorch's answers.
struct ReferenceRecording {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    struct Image {
        let name: String
        let pixels: RGBImage
        /// `[1, g, g, C]`.
        let embedding: Tensor
        let answers: [Answer]
    }

    struct Answer {
        /// `point`, `box` or `none`.
        let kind: String
        let prompt: Prompt
        /// `[M, 4g, 4g]`: the single mask, then the multimask ones.
        let logits: Tensor
        /// `[M]`.
        let quality: [Float]
        /// Of the image's size, 0 or 1, each.
        let masks: [[UInt8]]
    }

    /// The file's name that was recorded.
    let checkpoint: String
    private let path: String
    private let file: SafetensorsFile
    private let names: [String]

    var imageCount: Int { names.count }

    /// The recording at `path`, or those in the folder of that name.
    static func files(at path: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw Failure(description: "there is no file \(path)")
        }
        guard isFolder.boolValue else { return [path] }
        let found = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".safetensors") }
        guard !found.isEmpty else { throw Failure(description: "\(path) has no .safetensors file") }
        return found.sorted().map { "\(path)/\($0)" }
    }

    init(path: String) throws {
        self.path = path
        do {
            file = try SafetensorsFile(path: path)
        } catch {
            throw Failure(description: "\(path) cannot be read: \(error)")
        }
        guard let text = file.metadata["gmiseg.reference"], let description = try? JSONParser.parse(Array(text.utf8)),
            let images = description["images"]?.elements
        else { throw Failure(description: "\(path) was not written by record_checkpoint.py") }
        checkpoint = description["checkpoint"]?.stringValue ?? "an unnamed checkpoint"
        names = images.map { $0["name"]?.stringValue ?? "image" }
    }

    /// Image `index` with everything that was recorded of it.
    func image(_ index: Int, configuration: Configuration) throws -> Image {
        let key = "image.\(index)"
        let pixels = RGBImage(try ImageDecoder.decode(try file.bytes("\(key).file")))
        let (grid, channels) = (configuration.grid, configuration.embeddingChannels)
        let answers = try ["point", "box", "none"].filter { file.shape(of: "\(key).\($0).logits") != nil }.map { kind in
            try answer(kind, "\(key).\(kind)", pixels, configuration)
        }
        return Image(
            name: names[index], pixels: pixels,
            embedding: try tensor("\(key).embedding", [1, grid, grid, channels]), answers: answers)
    }

    private func answer(
        _ kind: String, _ key: String, _ image: RGBImage, _ configuration: Configuration
    ) throws -> Answer {
        var prompt = Prompt()
        if file.shape(of: "\(key).point_coords") != nil {
            let place = try tensor("\(key).point_coords", [1, 2]).elements
            prompt.points = [Prompt.Point(x: place[0], y: place[1], isForeground: true)]
        }
        if file.shape(of: "\(key).box") != nil {
            let box = try tensor("\(key).box", [4]).elements
            prompt.box = Prompt.Box(x0: box[0], y0: box[1], x1: box[2], y1: box[3])
        }
        let (count, side, area) = (configuration.maskCount, configuration.logitsSide, image.width * image.height)
        let masks = try file.bytes("\(key).masks")
        guard file.shape(of: "\(key).masks") == [count, image.height, image.width], masks.count == count * area else {
            throw Failure(
                description: "\(path): \(key).masks should have the shape [\(count), \(image.height), \(image.width)]")
        }
        return Answer(
            kind: kind, prompt: prompt, logits: try tensor("\(key).logits", [count, side, side]),
            quality: try tensor("\(key).iou", [count]).elements,
            masks: (0..<count).map { Array(masks[$0 * area..<($0 + 1) * area]) })
    }

    private func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
        guard let found = file.shape(of: name) else { throw Failure(description: "\(path) has no tensor \(name)") }
        guard found == shape else {
            throw Failure(
                description:
                    "\(path): \(name) has the shape \(found); this model makes \(shape), so another was recorded")
        }
        return try file.tensor(name)
    }
}
