import Basics
import Dispatch
import Foundation
import GRDB
import Glibc

/// The moments of a change at which a test may stop the process or report a fault.
package enum StoreStep: Sendable, CaseIterable {
    /// The files are whole, in `staging`.
    case staged
    /// The files are in place, the transaction is not committed.
    case placed
    /// The transaction is committed; what it made superfluous is still there.
    case committed
}

/// Tasks, jobs, adapters and images in SQLite and files, in one folder that one process at a time may use.
///
/// Every transaction waits for the disk (`synchronous = FULL`), so that a record never outlives its files, not even
/// when the power goes; the order is: files whole, files in place, transaction, superfluous files gone.
package final class SQLiteStore: Store {
    let layout: DataFolder.Layout
    let clock: WallClock
    let pool: DatabasePool
    let onStep: @Sendable (StoreStep) throws(StoreError) -> Void
    private let folder: Lock<DataFolder?>
    /// Files that no row names any more, and that could not be removed yet.
    private let superfluous = Lock<[String]>([])
    /// The write-ahead log should have been emptied, and a reader was in the way.
    let logRemains = Lock(false)
    /// Where it is proved, by one at a time, that the store can be written; and what came of it last.
    let proving = DispatchQueue(label: "gmiseg.store.proof")
    let proof = Lock<(time: Timestamp, outcome: Result<Void, StoreError>)?>(nil)

    /// Opens the store, creates or migrates what is needed, and removes what a killed process left unfinished.
    ///
    /// - Parameters:
    ///   - directory: The data folder; created when it is not there.
    ///   - onStep: For tests: called at each step of a change; what it throws is a fault at that step.
    package init(
        directory: String, clock: WallClock = .system,
        onStep: @escaping @Sendable (StoreStep) throws(StoreError) -> Void = { _ in }
    ) throws(StoreError) {
        let folder = try DataFolder(Self.absolute(directory))
        let layout = folder.layout
        self.layout = layout
        self.clock = clock
        self.onStep = onStep
        pool = try Self.open(layout)
        self.folder = Lock(folder)
        try sweep()
    }

    /// Closes the database and lets another process have the folder. Later calls throw.
    package func close() {
        let claim = folder.withLock { folder in
            defer { folder = nil }
            return folder
        }
        guard let claim else { return }
        // Nobody else may come in before the database is closed.
        withExtendedLifetime(claim) {
            // The pool's readers close last and may not write, so SQLite would leave the log as it is.
            forgetLog()
            try? pool.close()
        }
    }

    deinit { close() }

    package var spoolDirectory: String { layout.spool }

    func read<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do { return try pool.read(body) } catch { throw StoreError(error, database: layout.database) }
    }

    func write<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        let value: Value
        do { value = try pool.write(body) } catch { throw StoreError(error, database: layout.database) }
        if logRemains.withLock({ $0 }) { forgetLog() }
        return value
    }

    func columns(_ row: Row) -> Columns { Columns(row: row, path: layout.database) }

    /// Stages files, then runs `body` and puts the files in place within one transaction: both or neither.
    func writeFiles<Value>(
        staging stage: (Staging) throws(StoreError) -> Void, _ body: (Database, Staging) throws -> Value
    ) throws(StoreError) -> Value {
        let staging = try Staging(layout)
        do throws(StoreError) {
            try stage(staging)
            try onStep(.staged)
            let value = try write { database in
                let value = try body(database, staging)
                try staging.place()
                try onStep(.placed)
                return value
            }
            try? onStep(.committed)
            staging.finish()
            return value
        } catch {
            staging.discard()
            throw error
        }
    }

    /// Removes files and folders that no row names any more. What is deleted is deleted, whatever the disk says: what cannot be removed now (a
    /// network's file system keeps what somebody reads) is tried again each time, and by the next start.
    ///
    /// - Parameter directory: Whose list of names is to be on the disk then; nil: that may wait.
    func discard(_ paths: [String], in directory: String? = nil) {
        let all = superfluous.withLock { superfluous in
            defer { superfluous = [] }
            return superfluous + paths
        }
        let left = all.filter { (try? Files.removeTree($0)) == nil }
        if !left.isEmpty { superfluous.withLock { $0 += left } }
        if let directory { try? Files.sync(directory) }
    }

    private static func absolute(_ path: String) -> String {
        let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        return "/" + full.split(separator: "/").joined(separator: "/")
    }

    private static func open(_ layout: DataFolder.Layout) throws(StoreError) -> DatabasePool {
        if Files.size(layout.database) == nil {
            if try layout.holdsFiles() { throw .databaseMissing(path: layout.database) }
            // SQLite would let others read it.
            _ = try Files.write(.bytes([]), to: layout.database)
        }
        do {
            var configuration = Configuration()
            configuration.foreignKeysEnabled = true
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // Deleted rows are overwritten, not only forgotten.
                try database.execute(sql: "PRAGMA secure_delete = ON")
            }
            try refuseForeign(layout, configuration)
            let pool = try DatabasePool(path: layout.database, configuration: configuration)
            try Schema.migrator.migrate(pool)
            return pool
        } catch {
            throw StoreError(error, database: layout.database)
        }
    }

    /// Looks at the database before anything changes it.
    private static func refuseForeign(_ layout: DataFolder.Layout, _ configuration: Configuration) throws {
        let queue = try DatabaseQueue(path: layout.database, configuration: configuration)
        defer { try? queue.close() }
        try queue.read { database in
            let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if tables == 0 { return }
            let owner = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            guard owner == Schema.applicationID else { throw StoreError.foreignDatabase(path: layout.database) }
            let migrator = Schema.migrator
            if try migrator.hasBeenSuperseded(database) {
                let found = try migrator.appliedIdentifiers(database).subtracting(migrator.migrations)
                throw StoreError.newerSchema(path: layout.database, found: found.sorted())
            }
            let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
            guard verdict == "ok" else { throw StoreError.corrupted(path: layout.database, detail: verdict) }
        }
    }

    private func sweep() throws(StoreError) {
        let (files, tasks) = try read { database in
            let files = try Set<String>.fetchAll(
                database: database,
                sql: """
                    SELECT image_file FROM support UNION ALL SELECT mask_file FROM support
                    UNION ALL SELECT file FROM adapters UNION ALL SELECT file FROM images
                    UNION ALL SELECT checkpoint_file FROM jobs WHERE checkpoint_file IS NOT NULL
                    """)
            return (files, try Set<String>.fetchAll(database: database, sql: "SELECT id FROM tasks"))
        }
        try layout.sweep(known: files, knownTasks: tasks)
    }
}

extension Set<String> {
    fileprivate static func fetchAll(database: Database, sql: String) throws -> Set<String> {
        Set(try String.fetchAll(database, sql: sql))
    }
}
