import Foundation
import Glibc

/// The file that makes a run resumable: a line of JSON for each thing done, appended when it is done.
///
/// The first line names the settings. A last line without its end, as a crash leaves it, is cut off; everything else
/// that is not a line of ours is an error, because nobody knows then what else is wrong.
final class Journal {
    static let fileName = "journal.jsonl"

    struct Header: Codable, Equatable {
        var version = 1
        let model: String
        let modelName: String
        /// Whose rows these are: another build may mean another thing by the same words. Nil: from before it was noted.
        let program: String?
        let settings: [String: String]

        enum CodingKeys: String, CodingKey {
            case version, model, program
            case modelName = "model_name"
            case settings
        }
    }

    /// A line after the first; exactly one field is there.
    private struct Line: Codable {
        var dataset: DatasetFiles?
        var pause: Pause?
        var training: Training?
        var cell: Cell?

        var isSound: Bool { [dataset != nil, pause != nil, training != nil, cell != nil].count { $0 } == 1 }
    }

    /// What a dataset's files were.
    private struct DatasetFiles: Codable {
        let name: String
        let digest: String
    }

    /// A part of an adaptation, up to a checkpoint.
    struct Pause: Codable {
        let arm: Arm
        let seconds: Double
    }

    /// An adaptation that was run, or failed.
    struct Training: Codable {
        let arm: Arm
        let support: [String]
        /// Its pauses' included.
        let seconds: Double
        let failure: String?
    }

    /// One image under one arm: the unit that is done or not.
    struct Cell: Codable {
        let arm: Arm
        let stem: String
        let seconds: Double
        let rows: [ResultRow]
    }

    private struct CellKey: Hashable {
        let arm: Arm
        let stem: String
    }

    let path: String
    private(set) var rows: [ResultRow] = []
    private(set) var trainings: [Arm: Training] = [:]
    private var paused: [Arm: Double] = [:]
    private var digests: [String: String] = [:]
    private var cells: Set<CellKey> = []
    private let descriptor: CInt
    private let encoder = JSONEncoder()

    /// Opens the journal in `folder`, or starts one; nobody else can until it is closed.
    init(folder: String, header: Header) throws(EvaluationError) {
        let path = folder + "/" + Self.fileName
        self.path = path
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0o644)
        func failure() -> EvaluationError { .unwritable(path: path, reason: String(cString: strerror(errno))) }
        guard descriptor >= 0 else { throw failure() }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .unwritable(path: path, reason: "another run is writing it") : failure()
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw .unwritable(path: path, reason: "it cannot be read: \(error.localizedDescription)")
        }
        let end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = data[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
        // Nothing is cut off a file that is not ours.
        if let first = lines.first {
            try Self.check(first, against: header, path: path)
        } else if !data.isEmpty, !encoded(header).starts(with: data) {
            throw .journalDamaged(path: path, line: 1, reason: "it is not the head of a journal of this version")
        }
        guard ftruncate(descriptor, off_t(end)) == 0 else { throw failure() }
        guard !lines.isEmpty else {
            try append(header)
            return
        }
        for (index, line) in lines.enumerated().dropFirst() {
            guard let line = try? JSONDecoder().decode(Line.self, from: line), line.isSound else {
                throw .journalDamaged(path: path, line: index + 1, reason: "it is not a line of a journal")
            }
            note(line)
        }
    }

    deinit { close(descriptor) }

    private static func check(_ line: Data, against header: Header, path: String) throws(EvaluationError) {
        guard let found = try? JSONDecoder().decode(Header.self, from: line), found.version == header.version else {
            throw .journalDamaged(path: path, line: 1, reason: "it is not the head of a journal of this version")
        }
        guard found.model == header.model else {
            throw .otherSettings(path: path, field: "model", journal: found.model, now: header.model)
        }
        guard found.program == header.program else {
            let (before, now) = (found.program ?? "one from before this was noted", header.program ?? "none")
            throw .otherSettings(path: path, field: "program", journal: before, now: now)
        }
        for field in Set(found.settings.keys).union(header.settings.keys).sorted() {
            let (before, now) = (found.settings[field] ?? "", header.settings[field] ?? "")
            guard before == now else {
                throw .otherSettings(path: path, field: field, journal: "\"\(before)\"", now: "\"\(now)\"")
            }
        }
    }

    private func note(_ line: Line) {
        if let dataset = line.dataset { digests[dataset.name] = dataset.digest }
        if let pause = line.pause { paused[pause.arm, default: 0] += pause.seconds }
        if let training = line.training { trainings[training.arm] = training }
        if let cell = line.cell, cells.insert(CellKey(arm: cell.arm, stem: cell.stem)).inserted { rows += cell.rows }
    }

    func isDone(_ arm: Arm, _ stem: String) -> Bool { cells.contains(CellKey(arm: arm, stem: stem)) }

    /// What an adaptation had taken by its last checkpoint.
    func secondsBefore(_ arm: Arm) -> Double { paused[arm] ?? 0 }

    func append(_ pause: Pause) throws(EvaluationError) { try add(Line(pause: pause)) }

    func append(_ cell: Cell) throws(EvaluationError) { try add(Line(cell: cell)) }

    func append(_ training: Training) throws(EvaluationError) { try add(Line(training: training)) }

    /// Notes a dataset's files; throws when they, or what their labels number, were others before.
    func register(_ dataset: Dataset) throws(EvaluationError) {
        guard let known = digests[dataset.name] else {
            return try add(Line(dataset: DatasetFiles(name: dataset.name, digest: dataset.digest)))
        }
        guard known != dataset.digest else { return }
        // The option is in the digest: with its other value the files may be what they were.
        guard known == dataset.digest(hasInstances: !dataset.hasInstances) else {
            throw .datasetChanged(dataset: dataset.name, path: path)
        }
        func words(_ isNamed: Bool) -> String { "\(isNamed ? "with" : "without") \"\(dataset.name)\"" }
        throw .otherSettings(
            path: path, field: "instances", journal: words(!dataset.hasInstances), now: words(dataset.hasInstances))
    }

    private func add(_ line: Line) throws(EvaluationError) {
        try append(line)
        note(line)
    }

    /// With its end.
    private func encoded(_ value: some Encodable) -> Data {
        guard let bytes = try? encoder.encode(value) else { preconditionFailure("a journal line can be encoded") }
        return bytes + [UInt8(ascii: "\n")]
    }

    /// Writes one line whole, or cuts off what was written of it.
    private func append(_ value: some Encodable) throws(EvaluationError) {
        let bytes = encoded(value)
        let start = lseek(descriptor, 0, SEEK_END)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, bytes.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = String(cString: strerror(errno))
                _ = ftruncate(descriptor, start)
                throw .unwritable(path: path, reason: reason)
            }
            written += count
        }
    }
}
