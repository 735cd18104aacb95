import ArgumentParser
import Foundation
import SegmentAnything

/// Where the files that come with the program lie: `models/`, `Public/` and `openapi.yaml`.
///
/// Looked for, in this order, in `GMISEG_HOME`, the working directory, and the executable's folder and the folders above
/// it; so it works from a checkout, from a container and from an unpacked archive.
struct Installation {
    private let folders: [String]
    /// Of the folders the one that was named, and those that have all that comes with the program.
    private let installed: [String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        let home = environment["GMISEG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        var folders = (home.map { [$0] } ?? []) + [FileManager.default.currentDirectoryPath]
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        // .build/x86_64-unknown-linux-gnu/release/gmiseg lies three folders below the checkout.
        for _ in 0..<4 where folder.path(percentEncoded: false) != "/" {
            folders.append(folder.path(percentEncoded: false))
            folder.deleteLastPathComponent()
        }
        self.folders = folders
        installed = folders.filter { folder in
            folder == home
                || ["Public/index.html", "openapi.yaml"].allSatisfy { Self.first($0, in: [folder]) != nil }
        }
    }

    /// What comes with the program under `name`; nil when it is nowhere.
    ///
    /// A `Public` and a `models` lie in many a folder, and what is in the one of somebody's home is not to be served.
    func find(_ name: String) -> String? { Self.first(name, in: installed) }

    /// Where models lie; `models` below the working directory where nothing is installed.
    var models: String { find("models") ?? "models" }

    /// The first of the folders' `name` that exists.
    private static func first(_ name: String, in folders: [String]) -> String? {
        folders.map { URL(filePath: $0).appending(path: name).path(percentEncoded: false) }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The file of ``model(named:environment:)``.
    func requireModel(named name: String?) throws -> String {
        guard let path = model(named: name) else {
            throw ValidationError("no model found: name a file, or set GMISEG_HOME to the folder that has models/")
        }
        return path
    }

    /// The model to load: the one named, or `GMISEG_MODEL`, or the one that comes with the program.
    func model(named name: String?, environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        if let name = name ?? environment["GMISEG_MODEL"].flatMap({ $0.isEmpty ? nil : $0 }) {
            // A bare name, gmiseg-mini, means the file of that name that came along; sam-vit-b also the official one.
            guard !name.contains("/"), !name.contains(".") else { return name }
            let official = OfficialCheckpoint.named(name).map(\.fileName)
            let files = ["\(name).safetensors", "\(name).pth"] + (official.map { [$0] } ?? [])
            // Its name says enough: what was pulled into a folder of its own is found from there.
            return files.compactMap { Self.first("models/\($0)", in: folders) }.first ?? name
        }
        return Self.first("models/gmiseg-mini.safetensors", in: folders)
    }
}
