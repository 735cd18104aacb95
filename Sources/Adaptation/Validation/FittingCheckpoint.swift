import Tensor

/// A fitting between two steps, as a safetensors file: its journal in the metadata, the tensors of the run under way, and the
/// members that an ensemble has so far (`member/0/NAME` and `member/0/losses`, …).
package struct FittingCheckpoint: Sendable {
    /// A finished member of an ensemble.
    struct Member: Sendable {
        let tensors: [String: Tensor]
        /// One per step.
        let losses: [Float]
    }

    let journal: FittingJournal
    let run: TrainerCheckpoint?
    let members: [Member]

    private static let format = "gmiseg.fitting"
    private static let version = "1"
    private static let journalKey = "gmiseg.journal"
    private static let losses = "losses"

    init(journal: FittingJournal, run: TrainerCheckpoint?, members: [Member]) {
        self.journal = journal
        self.run = run
        self.members = members
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
        let tensors = try readTensors(file, path: path)
        run = TrainerCheckpoint.isIn(file) ? try TrainerCheckpoint(file.metadata, tensors) : nil
        var members: [Member] = []
        while let losses = tensors[Self.prefix(members.count) + Self.losses] {
            let prefix = Self.prefix(members.count)
            let own = tensors.filter { $0.key.hasPrefix(prefix) && $0.key != prefix + Self.losses }
            members.append(
                Member(
                    tensors: Dictionary(
                        uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count)), $0.value) }),
                    losses: losses.elements))
        }
        self.members = members
    }

    private static func prefix(_ member: Int) -> String { "member/\(member)/" }

    /// Writes the file; it appears whole or not at all.
    package func write(to path: String) throws {
        var metadata = run?.metadata ?? [:]
        metadata[Self.format] = Self.version
        metadata[Self.journalKey] = CanonicalJSON.encode(journal)
        var named = run?.named ?? []
        for (number, member) in members.enumerated() {
            let prefix = Self.prefix(number)
            named += member.tensors.sorted { $0.key < $1.key }.map { (name: prefix + $0.key, tensor: $0.value) }
            named.append((prefix + Self.losses, Tensor(shape: [member.losses.count], member.losses)))
        }
        try Safetensors.write(named, metadata: metadata, to: path, as: .float32)
    }
}
