import ArgumentParser
import SegmentAnything
import Tensor

/// `gmiseg model convert`.
struct ModelConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as safetensors with the names of the package segment-anything.",
        discussion:
            "The file says its configuration and the SHA-256 of the one it came from. It replaces OUTPUT whole or not at all."
    )

    @Argument(help: "The file to read, in any format that `gmiseg model inspect` knows.")
    var input: String

    @Argument(help: "The .safetensors file to write.")
    var output: String

    @Flag(help: "Half precision: half the size, and weights rounded to 11 bits.")
    var half = false

    func run() throws {
        let model = try SegmentAnythingModel(path: try Installation().requireModel(named: input))
        try model.write(to: output, as: half ? .float16 : .float32, adding: ["gmiseg.source_sha256": model.sha256])
        print("\(output): \(model.name), \(model.parameterCount) parameters, \(half ? "half" : "single") precision")
    }
}
