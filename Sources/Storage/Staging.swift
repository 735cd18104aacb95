import Basics

/// Files that are written in `staging` and wait for the transaction that names them.
///
/// `stage` each, then call `place` inside the transaction, last; on any error `discard`. A crash in between leaves files
/// that no record names, and the next start removes them.
final class Staging {
    private let layout: DataFolder.Layout
    private let directory: String
    private var files: [(staged: String, folder: String, final: String)] = []

    init(_ layout: DataFolder.Layout) throws(StoreError) {
        self.layout = layout
        directory = layout.staging + "/" + Identifier.make("staged")
        try Files.makeDirectory(directory)
    }

    /// Writes `content` so that it survives a crash, under a fresh name in `folder` (below the data folder) that begins
    /// with `kind`.
    func stage(_ content: FileContent, as kind: String, in folder: String) throws(StoreError) -> StoredFile {
        let name = Identifier.make(kind)
        let staged = directory + "/" + name
        let byteCount = try Files.write(content, to: staged)
        files.append((staged, folder, folder + "/" + name))
        return StoredFile(name: folder + "/" + name, byteCount: byteCount)
    }

    /// Moves the files to where their records say they are, and waits for the disk.
    func place() throws(StoreError) {
        let folders = Set(files.map(\.folder))
        for folder in folders { try Files.makeDirectory(layout.path(folder)) }
        for file in files { try Files.rename(file.staged, to: layout.path(file.final)) }
        for folder in folders { try Files.sync(layout.path(folder)) }
        try Files.sync(layout.tasks)
    }

    /// Removes all of it, placed or not; what cannot be removed goes at the next start.
    func discard() {
        for file in files { try? Files.remove(layout.path(file.final)) }
        files = []
        try? Files.removeTree(directory)
    }

    /// Removes what `place` left in `staging`.
    func finish() { try? Files.removeTree(directory) }
}
