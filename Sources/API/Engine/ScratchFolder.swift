import Storage

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
