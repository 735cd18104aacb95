import Tensor

/// A fitting between two steps, as a safetensors file: its journal in the metadata, and the tensors of the run under way.
package struct FittingCheckpoint: Sendable {
    let journal: FittingJournal
    let run: TrainerCheckpoint?

    private static let format = "gmiseg.fitting"
    private static let version = "1"
    private static let journalKey = "gmiseg.journal"

    init(journal: FittingJournal, run: TrainerCheckpoint?) {
        self.journal = journal
        self.run = run
    }

    /// Reads a checkpoint.
    ///
    /// - Throws: `AdapterError.unreadable` or `.notACheckpoint`. Whether it fits is checked when the fitting goes on.
    package init(path: String) throws {
        let file = try openSafetensors(path)
        guard file.metadata[Self.format] == Self.version, let text = file.metadata[Self.journalKey],
            let journal = CanonicalJSON.decode(FittingJournal.self, from: text)
        else { throw AdapterError.notACheckpoint(reason: "its metadata lacks the journal of a fitting") }
        self.journal = journal
        run = TrainerCheckpoint.isIn(file) ? try TrainerCheckpoint(file, path: path) : nil
    }

    /// Writes the file; it appears whole or not at all.
    package func write(to path: String) throws {
        var metadata = run?.metadata ?? [:]
        metadata[Self.format] = Self.version
        metadata[Self.journalKey] = CanonicalJSON.encode(journal)
        try Safetensors.write(run?.named ?? [], metadata: metadata, to: path, as: .float32)
    }
}
