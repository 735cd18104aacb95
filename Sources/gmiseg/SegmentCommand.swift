import API
import ArgumentParser
import Client
import Foundation

/// `gmiseg segment`.
struct SegmentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segment", abstract: "Segment one image on a running server.",
        discussion: """
            Coordinates are pixels, x right, y down, the first pixel is 0,0. Without points and boxes the model segments \
            what the task has taught it. The JSON answer, without its pictures, goes to standard output, the mask into --output.
            """)

    @OptionGroup var options: ServerOptions

    @Argument(help: "The image, PNG or JPEG.")
    var image: String

    @Option(help: "The task's id; without one the base model answers.")
    var task: String?

    @Option(help: "A model of the server's, by name (default: the task's, or the server's first).")
    var model: String?

    @Option(
        help:
            "A click on the object: x,y; or beside it: x,y,0. May be repeated; each further one is taken for a correction of the answer to those before it."
    )
    var point: [String] = []

    @Option(
        name: .customLong("background-point"),
        help: "A click beside the object: x,y, after all of --point. May be repeated.")
    var backgroundPoint: [String] = []

    @Option(help: "A box around the object, corners inclusive: x0,y0,x1,y1. Each further box gives a further mask.")
    var box: [String] = []

    @Option(help: "A mask of the image's size to start from, such as an earlier answer's.")
    var mask: String?

    @Option(
        help: "Which of the task's labels the prompts are about, by name or number (default: all, without a prompt).")
    var label: String?

    @Option(name: .customLong("ground-truth"), help: "The true mask; the answer then has Dice, Jaccard, ASD and HD95.")
    var groundTruth: String?

    @Option(
        name: .shortAndLong,
        help:
            "Write the mask to this PNG file; of several the numbers 1, 2, … go before .png. Of a task with several labels it is the label map."
    )
    var output: String?

    @Flag(help: "Ask for all candidate masks of each prompt.")
    var multimask = false

    @Flag(help: "Try prompts nearby, and say how much the answer depends on the prompt.")
    var uncertainty = false

    @Flag(help: "A mask for each object, without a prompt.")
    var instances = false

    @Flag(help: "Segment the mirror image as well, and average: twice the work, and often a little better.")
    var flips = false

    func run() throws {
        var form = [FormPart("image", file: image), FormPart("prompts", text: try prompts().text())]
        if let groundTruth { form.append(FormPart("ground_truth", file: groundTruth)) }
        if let model { form.append(FormPart("model", text: model)) }
        if uncertainty { form.append(FormPart("uncertainty", text: "true")) }
        if instances { form.append(FormPart("instances", text: "true")) }
        if flips { form.append(FormPart("flips", text: "true")) }
        if multimask { form.append(FormPart("multimask", text: "true")) }
        let path = task.map { "/v1/tasks/\(pathSegment($0))/segment" } ?? "/v1/segment"
        let answer = try options.client().post(path, form: form).json()
        let masks = answer["masks"]?.elements ?? []
        if let output {
            if let map = answer["label_map_png"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) {
                try Self.save(map, to: output)
            } else {
                try write(masks, to: output)
            }
        }
        print(Self.withoutPixels(answer).text(pretty: true))
    }

    private func prompts() throws -> JSON {
        var points: [JSON] = []
        for text in point {
            let hasLabel = text.hasSuffix(",0") && text.count { $0 == "," } == 2
            points.append(try Self.point(hasLabel ? String(text.dropLast(2)) : text, label: hasLabel ? 0 : 1))
        }
        for text in backgroundPoint { points.append(try Self.point(text, label: 0)) }
        let boxes: [JSON] = try box.map { text in
            let numbers = try Self.numbers(text, count: 4, form: "x0,y0,x1,y1")
            return [
                "x0": .number(numbers[0]), "y0": .number(numbers[1]), "x1": .number(numbers[2]),
                "y1": .number(numbers[3]),
            ]
        }
        let mask = try mask.map { JSON.string(try Data(contentsOf: URL(filePath: $0)).base64EncodedString()) }
        return [
            "points": .array(points), "boxes": .array(boxes), "mask": mask ?? .null, "label": .optional(label),
        ]
    }

    private static func point(_ text: String, label: Int) throws -> JSON {
        let numbers = try numbers(text, count: 2, form: "x,y")
        return ["x": .number(numbers[0]), "y": .number(numbers[1]), "label": .integer(label)]
    }

    private static func numbers(_ text: String, count: Int, form: String) throws -> [Double] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Double($0) }
        guard numbers.count == count, numbers.allSatisfy(\.isFinite) else {
            throw ValidationError("\"\(text)\" must be \(form)")
        }
        return numbers
    }

    private func write(_ masks: [JSON], to path: String) throws {
        // A file of an earlier image would be taken for this one's.
        if masks.isEmpty { complain("nothing was found: \(path) is not written") }
        for (index, mask) in masks.enumerated() {
            guard let data = mask["png"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) else { continue }
            let target = masks.count == 1 ? path : Self.numbered(path, index + 1)
            try Self.save(data, to: target)
        }
    }

    private static func save(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw ValidationError("\(path) cannot be written: \(error.localizedDescription)")
        }
    }

    /// `m2.png` of `m.png`, `out2` of `out`.
    private static func numbered(_ path: String, _ number: Int) -> String {
        let (url, stem) = (URL(filePath: path), URL(filePath: path).deletingPathExtension())
        let name = "\(stem.lastPathComponent)\(number)" + (url.pathExtension.isEmpty ? "" : ".\(url.pathExtension)")
        return url.deletingLastPathComponent().appending(path: name).path
    }

    /// The answer for reading: pixels in base64 fill screens.
    private static func withoutPixels(_ answer: JSON) -> JSON {
        switch answer {
        case .object(let members):
            .object(members.filter { !$0.name.hasSuffix("png") }.map { .init($0.name, withoutPixels($0.value)) })
        case .array(let elements): .array(elements.map(withoutPixels))
        default: answer
        }
    }
}
