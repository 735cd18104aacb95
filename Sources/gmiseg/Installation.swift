import Foundation
import SegmentAnything

/// Where the files that come with the program lie: `models/`, `Public/` and `openapi.yaml`.
///
/// Looked for, in this order, in `GMISEG_HOME`, the working directory, and the executable's folder and the folders above
/// it; so it works from a checkout, from a container and from an unpacked archive.
struct Installation {
    private let folders: [String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        var folders: [String] = []
        if let home = environment["GMISEG_HOME"], !home.isEmpty { folders.append(home) }
        folders.append(FileManager.default.currentDirectoryPath)
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        // .build/x86_64-unknown-linux-gnu/release/gmiseg lies three folders below the checkout.
        for _ in 0..<4 where folder.path(percentEncoded: false) != "/" {
            folders.append(folder.path(percentEncoded: false))
            folder.deleteLastPathComponent()
        }
        self.folders = folders
    }

    /// The first of the folders' `name` that exists.
    func find(_ name: String) -> String? {
        folders.map { URL(filePath: $0).appending(path: name).path(percentEncoded: false) }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The model to load: the one named, or `GMISEG_MODEL`, or the one that comes with the program.
    func model(named name: String?, environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        if let name = name ?? environment["GMISEG_MODEL"].flatMap({ $0.isEmpty ? nil : $0 }) {
            // A bare name, gmiseg-mini, means the file of that name that came along; sam-vit-b also the official one.
            guard !name.contains("/"), !name.contains(".") else { return name }
            let official = OfficialCheckpoint.named(name).map(\.fileName)
            let files = ["\(name).safetensors", "\(name).pth"] + (official.map { [$0] } ?? [])
            return files.compactMap { find("models/\($0)") }.first ?? name
        }
        return find("models/gmiseg-mini.safetensors")
    }
}
