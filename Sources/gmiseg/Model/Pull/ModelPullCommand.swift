import ArgumentParser
import Foundation
import SegmentAnything

/// `gmiseg model pull`.
struct ModelPullCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Download a model into models/, with curl.",
        discussion: """
            sam-vit-b, sam-vit-l and sam-vit-h come from the address their authors publish. Any other file comes from its \
            URL, such as a mirror's, and needs --sha256. What was downloaded before an interruption is kept and continued.
            """)

    @Argument(help: "sam-vit-b, sam-vit-l, sam-vit-h, or a URL.")
    var model: String

    @Option(help: "SHA-256 of the file, 64 hexadecimal digits; needed with a URL.")
    var sha256: String?

    @Option(help: "The folder to put it into (default: this installation's models/).")
    var models: String?

    func run() throws {
        let folder = models ?? Installation().models
        let download = try download(into: folder)
        let path = try download.run()
        print("\(path): SHA-256 \(download.sha256), as expected")
    }

    private func download(into folder: String) throws -> Download {
        if let official = OfficialCheckpoint.named(model) {
            return Download(
                address: official.address, fileName: official.fileName, folder: folder, sha256: official.sha256,
                byteCount: official.byteCount)
        }
        guard let url = URL(string: model), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            case let name = url.lastPathComponent, !name.isEmpty, name != "/", name != "..", !name.hasPrefix(".")
        else {
            let names = OfficialCheckpoint.all.map(\.name).joined(separator: ", ")
            throw ValidationError("\(model) is neither one of \(names) nor a URL that ends in a file name")
        }
        guard let hash = sha256?.lowercased(), hash.count == 64, hash.allSatisfy(\.isHexDigit) else {
            throw ValidationError("a URL needs --sha256 with the 64 hexadecimal digits of the file's SHA-256")
        }
        return Download(address: model, fileName: name, folder: folder, sha256: hash, byteCount: nil)
    }
}
