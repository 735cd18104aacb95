/// Bytes that the store is asked to keep.
package enum FileContent: Sendable {
    case bytes([UInt8])
    /// A finished file. It is hard-linked where the file system allows, else copied; the caller still removes its own
    /// name, and must not write to the file again.
    case file(path: String)
}

/// A file that the store keeps; `Store.localPath` says where to open it.
package struct StoredFile: Sendable, Hashable {
    /// The name below the data folder, `/` between parts. Unique for ever: a name is never given to other bytes.
    package let name: String
    package let byteCount: Int

    package init(name: String, byteCount: Int) {
        self.name = name
        self.byteCount = byteCount
    }
}
