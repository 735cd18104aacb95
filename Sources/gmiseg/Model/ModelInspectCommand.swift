import API
import ArgumentParser
import SegmentAnything

/// `gmiseg model inspect`.
struct ModelInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Check a model file and print what it is, as JSON.")

    @Argument(help: "The file, or the name of one in models/ (default: gmiseg-mini).")
    var model: String?

    func run() throws {
        guard let path = Installation().model(named: model) else {
            throw ValidationError("no model found: give a file, or set GMISEG_HOME to the folder that has models/")
        }
        let loaded = try SegmentAnythingModel(path: path)
        let configuration = loaded.configuration
        let description: JSON = [
            "name": .string(loaded.name), "path": .string(path), "sha256": .string(loaded.sha256),
            "parameters": .integer(loaded.parameterCount), "tensors": .integer(loaded.parameterNames.count),
            "image_size": .integer(configuration.imageSize), "patch_size": .integer(configuration.patchSize),
            "width": .integer(configuration.width), "depth": .integer(configuration.depth),
            "heads": .integer(configuration.heads),
            "global_blocks": .array(configuration.globalBlocks.map { .integer($0) }),
            "window": .integer(configuration.window),
            "embedding_channels": .integer(configuration.embeddingChannels),
            "card": loaded.metadata["gmiseg.card"].flatMap { try? JSONParser.parse(Array($0.utf8)) } ?? .null,
        ]
        print(description.text(pretty: true))
    }
}
