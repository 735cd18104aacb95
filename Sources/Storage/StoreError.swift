import Glibc

/// What a store could not do, and why.
package enum StoreError: Error, Sendable, Equatable {
    /// Another process (its id, where known) works on this data folder.
    case folderInUse(path: String, process: Int?)
    case notWritable(path: String, code: CInt)
    case diskFull(path: String)
    case corrupted(path: String, detail: String)
    /// The folder holds tasks' files but no database that knows them.
    case databaseMissing(path: String)
    /// The database was written by a later version: `found` are the migrations this one does not know.
    case newerSchema(path: String, found: [String])
    /// The database belongs to another program.
    case foreignDatabase(path: String)
    /// There is no such task, job or adapter (any more).
    case unknown(kind: String, id: String)
    /// The task's support set is not any more what the examples were to be added to.
    case supportChanged(task: String)
    /// A record without its file: deleted a moment ago, or the folder was tampered with.
    case missingFile(name: String)
    case invalidIdentifier(String)
    case system(call: String, path: String, code: CInt)
    case database(code: Int, detail: String)

    /// The error of a system call, by what it means to the operator.
    package init(call: String, path: String, code: CInt) {
        self =
            switch code {
            case ENOSPC, EDQUOT, EFBIG: .diskFull(path: path)
            case EACCES, EPERM, EROFS: .notWritable(path: path, code: code)
            default: .system(call: call, path: path, code: code)
            }
    }

    /// What happened, in a sentence.
    package var cause: String {
        switch self {
        case .folderInUse(let path, let process):
            "The data folder \(path) is in use by another server" + (process.map { " (process \($0))." } ?? ".")
        case .notWritable(let path, let code): "\(path) cannot be written: \(Self.words(code))."
        case .diskFull(let path): "There is no room left to write \(path)."
        case .corrupted(let path, let detail): "The database \(path) is damaged: \(detail)."
        case .databaseMissing(let path):
            "\(path) is missing, but the data folder's tasks, images, staging or spool hold files."
        case .newerSchema(let path, let found):
            "The database \(path) was written by a later version (\(found.joined(separator: ", ")))."
        case .foreignDatabase(let path): "\(path) is the database of another program."
        case .unknown(let kind, let id): "There is no \(kind) \(id)."
        case .supportChanged(let task): "Other examples were added to the task \(task) meanwhile."
        case .missingFile(let name): "The file \(name) is gone."
        case .invalidIdentifier(let id): "\(id.debugDescription) is not an identifier."
        case .system(let call, let path, let code): "\(call) failed on \(path): \(Self.words(code))."
        case .database(let code, let detail): "The database refused (SQLite \(code)): \(detail)."
        }
    }

    /// The same for clients, who are not to know how the disk is laid out: without paths and error numbers.
    package var discreetCause: String {
        switch self {
        case .unknown, .supportChanged, .missingFile, .invalidIdentifier: cause
        case .diskFull: "There is no room left on the data folder's disk."
        case .folderInUse, .notWritable, .corrupted, .databaseMissing, .newerSchema, .foreignDatabase, .system,
            .database:
            "The data folder cannot be read or written as it should."
        }
    }

    /// What to do about it, in a sentence.
    package var fix: String {
        switch self {
        case .folderInUse: "Stop the other server, or give this one a data folder of its own."
        case .notWritable: "Give the server's user the right to write there, or choose another data folder."
        case .diskFull: "Free space on the disk (or raise the quota), or delete tasks that are no longer needed."
        case .corrupted: "Restore the data folder from a backup, or move it away and start with an empty one."
        case .databaseMissing:
            "Restore the database from a backup, or choose another folder; nothing was changed in this one."
        case .newerSchema: "Run the version that wrote it or a later one, or use another data folder."
        case .foreignDatabase: "Choose another data folder."
        case .supportChanged: "Look at the support set, and add what is not in it yet."
        case .unknown: "Check the id; the record may have been deleted."
        case .missingFile: "If it was not deleted on purpose, restore the data folder from a backup."
        case .invalidIdentifier: "Use the id as it was given out."
        case .system: "Check the disk and the data folder's file system."
        case .database: "Check the disk and the data folder's file system; the server's log has the circumstances."
        }
    }

    private static func words(_ code: CInt) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}

extension StoreError: CustomStringConvertible {
    package var description: String { cause + " " + fix }
}
