import Foundation
import Storage

/// A data folder in memory (`/dev/shm`, a tmpfs): nothing of it is ever on a disk, and nothing outlives the server.
///
/// Memory may be swapped out by the system; where that matters, swap is encrypted or off.
struct EphemeralFolder {
    private static let root = "/dev/shm"
    private static let prefix = "gmiseg-ephemeral-"
    /// Seconds within which a server has read its models and opened its store.
    private static let startTime = 600

    let path: String

    init() throws {
        Self.removeLeftovers()
        path = "\(Self.root)/\(Self.prefix)\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// What a killed server left: a folder of ours that nobody holds any more.
    private static func removeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let path = "\(root)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_uid == getuid() else { continue }
            // One that was made just now is a server's that has not come to opening its store.
            let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? true
            guard !isEmpty || time(nil) - status.st_mtim.tv_sec > startTime else { continue }
            // A store can be opened only where no server works. While it is open nobody else opens it; after that no server has its name, and
            // whoever finds what is left of it removes it too.
            guard let store = try? SQLiteStore(directory: path) else { continue }
            let gone = "\(root)/\(prefix)gone-\(UUID().uuidString)"
            let isMoved = rename(path, gone) == 0
            store.close()
            try? FileManager.default.removeItem(atPath: isMoved ? gone : path)
        }
    }
}
