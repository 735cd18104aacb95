import Basics
import Glibc

/// The folder that a store owns, and the lock on it.
///
///     gmiseg.lock      locked by the one server that works here, and holds its process id
///     gmiseg.sqlite    the records; beside it SQLite's -wal and -shm
///     tasks/<task>/    support images, masks, adapters, checkpoints of one task
///     images/          uploaded images
///     staging/         files that are not whole yet, and trees on their way out; emptied at start
///     spool/           uploads on their way; emptied at start
///
/// Files are named at random, never by a client, and are only ever created whole: written and synchronised in `staging`,
/// then renamed. What no record names is left over from a crash and goes at the next start.
struct DataFolder: Sendable {
    let layout: Layout
    private let lock: FolderLock

    struct Layout: Sendable {
        let root: String
        var database: String { root + "/gmiseg.sqlite" }
        var lock: String { root + "/gmiseg.lock" }
        var tasks: String { root + "/tasks" }
        var images: String { root + "/images" }
        var staging: String { root + "/staging" }
        var spool: String { root + "/spool" }

        func path(_ name: String) -> String { root + "/" + name }
    }

    /// Makes the folder where needed, and locks it until the last copy of this value is gone. Changes nothing else in it.
    init(_ path: String) throws(StoreError) {
        layout = Layout(root: path)
        try Self.makeRoot(path)
        lock = try FolderLock(layout)
        for directory in [layout.tasks, layout.images, layout.staging, layout.spool] {
            try Files.makeDirectory(directory)
        }
    }

    /// Creates the folder with its parents, for this user alone. A folder that is there and empty is closed to others
    /// too; one that holds things may be shared on purpose, so only what is made inside it is private.
    private static func makeRoot(_ path: String) throws(StoreError) {
        if !Files.isDirectory(path) {
            var partial = path.hasPrefix("/") ? "" : "."
            for part in path.split(separator: "/") {
                partial += "/" + part
                if !Files.isDirectory(partial) { try Files.makeDirectory(partial) }
            }
        } else if try Files.names(in: path).isEmpty, chmod(path, 0o700) != 0, errno != EPERM {
            // EPERM: it is another user's, such as a volume that a container was given; whether it can be written will be seen.
            throw StoreError(call: "chmod", path: path, code: errno)
        }
    }
}

extension DataFolder.Layout {
    /// Whether files are here, of ours or of somebody else's who has folders of these names.
    func holdsFiles() throws(StoreError) -> Bool {
        for directory in [tasks, images, staging, spool] where try !Files.names(in: directory).isEmpty { return true }
        return false
    }

    /// Removes what a killed process left: everything unfinished, and every file that no record names.
    ///
    /// - Parameters:
    ///   - known: The names of all files that records name.
    ///   - knownTasks: The ids of all tasks.
    func sweep(known: Set<String>, knownTasks: Set<String>) throws(StoreError) {
        for directory in [staging, spool] {
            for name in try Files.names(in: directory) { try Files.removeTree(directory + "/" + name) }
        }
        for name in try Files.names(in: images) where !known.contains("images/" + name) {
            try Files.removeTree(images + "/" + name)
        }
        for task in try Files.names(in: tasks) {
            guard knownTasks.contains(task) else {
                try Files.removeTree(tasks + "/" + task)
                continue
            }
            for name in try Files.names(in: tasks + "/" + task) where !known.contains("tasks/\(task)/\(name)") {
                try Files.removeTree(tasks + "/" + task + "/" + name)
            }
        }
    }
}
