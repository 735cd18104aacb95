import GRDB

extension SQLiteStore {
    package func adapters(of task: String) throws(StoreError) -> [AdapterVersion] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM adapters WHERE task = ? ORDER BY version", arguments: [task]
            ).map { try adapterVersion(columns($0)) }
        }
    }

    package func adapter(of task: String, version: Int?) throws(StoreError) -> AdapterVersion? {
        try read { database in
            try Row.fetchOne(
                database,
                sql: """
                    SELECT * FROM adapters WHERE task = :task
                    AND version = coalesce(:version, (SELECT served_adapter FROM tasks WHERE id = :task))
                    """,
                arguments: ["task": task, "version": version]
            ).map { try adapterVersion(columns($0)) }
        }
    }

    package func adapters(sha256: String) throws(StoreError) -> [AdapterVersion] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM adapters WHERE sha256 = ? ORDER BY created, task, version",
                arguments: [sha256]
            ).map { try adapterVersion(columns($0)) }
        }
    }

    package func serveAdapter(_ version: Int?, of task: String) throws(StoreError) {
        try write { database in
            guard try fetchTask(task, database) != nil else { throw StoreError.unknown(kind: "task", id: task) }
            if let version {
                let exists = try Bool.fetchOne(
                    database, sql: "SELECT count(*) FROM adapters WHERE task = ? AND version = ?",
                    arguments: [task, version])
                guard exists == true else { throw StoreError.unknown(kind: "adapter", id: "\(task)/\(version)") }
            }
            try database.execute(
                sql: "UPDATE tasks SET served_adapter = ? WHERE id = ?", arguments: [version, task])
        }
    }

    package func deleteAdapter(_ version: Int, of task: String) throws(StoreError) -> Bool {
        let file: StoredFile? = try write { database in
            let found = try Row.fetchOne(
                database, sql: "SELECT * FROM adapters WHERE task = ? AND version = ?", arguments: [task, version])
            guard let found else { return nil }
            let served = try Int.fetchOne(
                database, sql: "SELECT served_adapter FROM tasks WHERE id = ?", arguments: [task])
            guard served != version else {
                throw StoreError.unknown(kind: "unserved adapter", id: "\(task)/\(version)")
            }
            try database.execute(
                sql: "DELETE FROM adapters WHERE task = ? AND version = ?", arguments: [task, version])
            return try adapterVersion(columns(found)).file
        }
        guard let file else { return false }
        discard([layout.path(file.name)])
        forgetLog()
        return true
    }

    /// Makes a staged adapter the task's next version, within the caller's transaction.
    ///
    /// - Returns: Whether another version was chosen since that with which it was compared, so that it does not answer as it should.
    @discardableResult
    func publish(_ new: NewAdapter, _ file: StoredFile, to task: String, _ database: Database) throws -> Bool {
        let next = try Int.fetchOne(
            database, sql: "UPDATE tasks SET next_adapter = next_adapter + 1 WHERE id = ? RETURNING next_adapter - 1",
            arguments: [task])
        guard let version = next else { throw StoreError.unknown(kind: "task", id: task) }
        try database.execute(
            sql: "INSERT INTO adapters VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                task, version, file.name, file.byteCount, new.sha256, new.cardJSON, clock.now().milliseconds,
                new.heldOutJSON,
            ])
        guard case .after(let compared) = new.serving else { return false }
        try database.execute(
            sql: "UPDATE tasks SET served_adapter = ? WHERE id = ? AND served_adapter IS ?",
            arguments: [version, task, compared])
        return database.changesCount == 0
    }

    private func adapterVersion(_ columns: Columns) throws(StoreError) -> AdapterVersion {
        AdapterVersion(
            task: try columns.value("task"), version: try columns.value("version"),
            file: try columns.file("file", "bytes"), sha256: try columns.value("sha256"),
            cardJSON: try columns.value("card"), heldOutJSON: try columns.optional("held_out"),
            created: try columns.time("created"))
    }
}
