import API
import ArgumentParser
import Client
import Foundation

/// `gmiseg model list`.
struct ModelListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the models of this installation, or with --server those of a server.")

    @Option(help: "A server's address; its models are listed in place of the files here.")
    var server: String?

    func run() throws {
        if let server {
            var options = ServerOptions()
            options.server = server
            let answer = try options.client().get("/v1/models").json()
            for model in answer["models"]?.elements ?? [] {
                print("\(model["name"]?.stringValue ?? "-")\t\(model["sha256"]?.stringValue ?? "-")")
            }
            return
        }
        let folder = Installation().models
        guard FileManager.default.fileExists(atPath: folder) else {
            throw ValidationError("there is no models/ folder: set GMISEG_HOME to the folder that has it")
        }
        let endings = [".safetensors", ".pth"]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            endings.contains { name.hasSuffix($0) }
        }
        for name in names.sorted() {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            print(
                "\(URL(filePath: name).deletingPathExtension().lastPathComponent)\t\(attributes[.size] as? Int ?? 0) bytes\t\(folder)/\(name)"
            )
        }
    }
}
