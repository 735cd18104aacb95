import ArgumentParser
import Foundation
import Imaging

/// One folder of `examples/`: a support set, and queries whose truth is known.
struct DemoExamples {
    /// An image and its mask, as paths that can be pasted into a shell.
    struct Pair {
        let stem: String
        let image: String
        let mask: String
    }

    /// `task.json`: the part `task` of `POST /v1/tasks`.
    let taskFile: String
    let support: [Pair]
    let queries: [Pair]

    init(folder: String) throws {
        taskFile = folder + "/task.json"
        guard FileManager.default.fileExists(atPath: taskFile) else {
            throw ValidationError("no \(taskFile): run the demo from the repository's root, or name --examples")
        }
        support = try Self.pairs(folder + "/support")
        queries = try Self.pairs(folder + "/queries")
    }

    /// `[x, y]` in mm as the task has it, for requests to the base model, which knows no task; nil: the task has none.
    func spacing() throws -> String? {
        struct Task: Decodable {
            let spacing: [Double]?
            enum CodingKeys: String, CodingKey { case spacing = "spacing_mm" }
        }
        let task = try JSONDecoder().decode(Task.self, from: Data(contentsOf: URL(fileURLWithPath: taskFile)))
        return task.spacing.map { "[" + $0.map { "\($0)" }.joined(separator: ",") + "]" }
    }

    private static func pairs(_ folder: String) throws -> [Pair] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/images").filter {
            $0.hasSuffix(".png")
        }
        return names.sorted().map { name in
            Pair(stem: String(name.dropLast(4)), image: "\(folder)/images/\(name)", mask: "\(folder)/masks/\(name)")
        }
    }
}

/// How the demo plays the user: prompts as a person would give them, from the known truth.
enum DemoPrompt: String, CaseIterable {
    case box, point, none

    /// The JSON of the part `prompts` for an object `truth`.
    ///
    /// The box is the object's extent, widened by three pixels, as nobody draws a box to the pixel. The point is the
    /// pixel deepest inside.
    func json(_ truth: Mask) -> String {
        switch self {
        case .none: return "{}"
        case .point:
            guard let (x, y) = DistanceTransform.deepestPixel(in: truth) else { return "{}" }
            return #"{"points":[{"x":\#(x),"y":\#(y),"label":1}]}"#
        case .box:
            guard let box = truth.boundingBox else { return "{}" }
            let (x0, y0) = (max(0, box.x0 - 3), max(0, box.y0 - 3))
            let (x1, y1) = (min(truth.width - 1, box.x1 + 3), min(truth.height - 1, box.y1 + 3))
            return #"{"boxes":[{"x0":\#(x0),"y0":\#(y0),"x1":\#(x1),"y1":\#(y1)}]}"#
        }
    }
}
