import Adaptation
import Storage

/// An adapter's file that a client sent, checked against its model.
struct ImportedAdapter: Sendable {
    /// As the store takes it; the file is there for as long as this value is.
    let adapter: NewAdapter
    let card: Adapter.Card
    let model: ServedModel
    /// Where the file is.
    let folder: ScratchFolder
}
