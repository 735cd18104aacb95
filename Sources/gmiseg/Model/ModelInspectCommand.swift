import API
import ArgumentParser
import SegmentAnything
import Tensor

/// `gmiseg model inspect`.
struct ModelInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print what a model file is.",
        discussion: """
            Reads PyTorch's .pth (Segment Anything, MedSAM), and safetensors with the names of segment-anything or of \
            transformers. Names and shapes are checked here; `gmiseg model verify` checks the weights as well.
            """)

    @Argument(help: "The file, or the name of one in models/ (environment: GMISEG_MODEL; default: gmiseg-mini).")
    var model: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let checkpoint = try Checkpoint(path: try Installation().requireModel(named: model))
        let description = Self.describe(checkpoint)
        print(json ? description.text(pretty: true) : Self.table(description))
    }

    /// Everything that can be said without reading the weights, but for the hash.
    private static func describe(_ checkpoint: Checkpoint) -> JSON {
        let configuration = checkpoint.configuration
        let hash = checkpoint.sha256()
        let official = OfficialCheckpoint.all.first { $0.sha256 == hash }
        let types = checkpoint.elementTypes().map { JSON.Member($0.type.rawValue, .integer($0.count)) }
        let sizes = configuration.parameterSizes
        return [
            "name": .string(configuration.name), "path": .string(checkpoint.path),
            "format": .string(checkpoint.file.format.rawValue), "names": .string(checkpoint.scheme.rawValue),
            "recognised_by": .string(checkpoint.source.rawValue),
            "official": official.map { .string($0.fileName) } ?? .null, "sha256": .string(hash),
            "parameters": .integer(sizes.values.reduce(0, +)), "tensors": .integer(sizes.count),
            "types": .object(types),
            "image_size": .integer(configuration.imageSize), "patch_size": .integer(configuration.patchSize),
            "width": .integer(configuration.width), "depth": .integer(configuration.depth),
            "heads": .integer(configuration.heads),
            "global_blocks": .array(configuration.globalBlocks.map { .integer($0) }),
            "window": .integer(configuration.window),
            "embedding_channels": .integer(configuration.embeddingChannels),
            "metadata": .object(metadata(checkpoint)),
            "extra_tensors": .array(checkpoint.extraTensors.map { extra($0, checkpoint.file) }),
        ]
    }

    /// What the file says beside its configuration; JSON as JSON.
    private static func metadata(_ checkpoint: Checkpoint) -> [JSON.Member] {
        checkpoint.metadata.filter { $0.key != Configuration.metadataKey }.sorted { $0.key < $1.key }
            .map { key, text in
                let isObject = text.hasPrefix("{")
                return JSON.Member(
                    key, isObject ? (try? JSONParser.parse(Array(text.utf8))) ?? .string(text) : .string(text))
            }
    }

    private static func extra(_ name: String, _ file: any TensorFile) -> JSON {
        [
            "name": .string(name), "type": .string(file.elementType(of: name)?.rawValue ?? "-"),
            "shape": .array((file.shape(of: name) ?? []).map { .integer($0) }),
        ]
    }

    /// The members in two columns; what has members of its own, each in a line.
    private static func table(_ description: JSON) -> String {
        guard case .object(let members) = description else { return "" }
        return members.map { member in
            let label = member.name.replacing("_", with: " ")
            let padded = label + String(repeating: " ", count: max(1, 20 - label.count))
            switch member.value {
            case .array(let elements) where !elements.isEmpty && member.name == "extra_tensors":
                return "\(padded)\(elements.count), ignored\n"
                    + elements.map { "  " + $0.text() }.joined(separator: "\n")
            case .array(let elements):
                return padded + (elements.isEmpty ? "none" : elements.map { $0.text() }.joined(separator: ", "))
            case .object(let inner):
                return padded
                    + (inner.isEmpty ? "none" : inner.map { "\($0.name) \($0.value.text())" }.joined(separator: "; "))
            case .string(let text): return padded + text
            case .null: return padded + "no"
            default: return padded + member.value.text()
            }
        }
        .joined(separator: "\n")
    }
}
