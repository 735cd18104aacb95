import Adaptation
import Storage

/// An adapter's file that a client sent, checked against its model.
struct ImportedAdapter: Sendable {
    /// As the store takes it; the file is there for as long as this value is.
    let adapter: NewAdapter
    let card: Adapter.Card
    let model: ServedModel
    let folder: ScratchFolder
}

/// A folder of the store that goes with the last reference to it.
final class ScratchFolder: Sendable {
    let path: String
    private let store: any Store

    init(_ store: any Store) throws(StoreError) {
        path = try store.makeScratchDirectory()
        self.store = store
    }

    deinit { store.removeScratchDirectory(path) }
}
