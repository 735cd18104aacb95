import Foundation

/// Why an evaluation cannot start or go on. What is wrong with single files never ends a run: see `Omission`.
package enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No folder at `path`, or none below it with `images/` and `masks/`.
    case noDatasets(path: String)
    case unknownDataset(name: String, known: [String])
    /// Nothing is left to segment.
    case nothingToDo(reason: String)
    /// The output folder holds the journal of a run with other settings.
    case otherSettings(path: String, field: String, journal: String, now: String)
    /// A dataset's files are not what they were when the journal was written.
    case datasetChanged(dataset: String, path: String)
    case journalDamaged(path: String, line: Int, reason: String)
    case unwritable(path: String, reason: String)

    package var description: String {
        switch self {
        case .noDatasets(let path):
            "\(path) holds no dataset: a dataset is a folder with images/ and masks/, whose files have the same stems"
        case .unknownDataset(let name, let known):
            "there is no dataset \"\(name)\"; there are: \(known.joined(separator: ", "))"
        case .nothingToDo(let reason):
            "there is nothing to evaluate: \(reason)"
        case .otherSettings(let path, let field, let journal, let now):
            "\(path) was written with another \(field) (\(journal), now \(now)): give another --output, or remove it"
        case .datasetChanged(let dataset, let path):
            "the files of \(dataset) have changed since \(path) was written: give another --output, or remove it"
        case .journalDamaged(let path, let line, let reason):
            "\(path), line \(line): \(reason). Give another --output, or remove it"
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason)"
        }
    }
}

extension EvaluationError {
    /// Has a file of the results written, with the folders that lead to it.
    static func writing(_ path: String, _ write: (String) throws -> Void) throws(EvaluationError) {
        do {
            // Not path(), which escapes spaces.
            let folder = URL(filePath: path).deletingLastPathComponent().path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try write(path)
        } catch {
            throw .unwritable(path: path, reason: "\(error)")
        }
    }
}
