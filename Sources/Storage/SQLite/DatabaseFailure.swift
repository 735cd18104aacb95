import GRDB

extension StoreError {
    /// What SQLite's refusal means to the operator. https://www.sqlite.org/rescode.html
    init(_ error: any Error, database path: String) {
        if let known = error as? StoreError {
            self = known
            return
        }
        guard let refusal = error as? DatabaseError else {
            self = .database(code: 1, detail: String(describing: error))
            return
        }
        let detail = refusal.message ?? "no detail"
        self =
            switch refusal.resultCode {
            case .SQLITE_FULL: .diskFull(path: path)
            case .SQLITE_IOERR where refusal.extendedResultCode == .SQLITE_IOERR_SHMSIZE: .diskFull(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupted(path: path, detail: detail)
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: .notWritable(path: path, code: 13)  // EACCES
            default: .database(code: Int(refusal.extendedResultCode.rawValue), detail: detail)
            }
    }
}
