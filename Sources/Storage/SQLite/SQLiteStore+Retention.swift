import GRDB

extension SQLiteStore {
    package func expired(before time: Timestamp) throws(StoreError) -> Expired {
        try read { database in
            let tasks = try String.fetchAll(
                database, sql: "SELECT id FROM tasks WHERE \(Self.isExpired) ORDER BY sequence",
                arguments: [time.milliseconds])
            let images = try Row.fetchAll(
                database, sql: "SELECT id, owner FROM images WHERE created < ? ORDER BY created, id, owner",
                arguments: [time.milliseconds]
            ).map { row in
                (
                    id: try columns(row).value("id", as: String.self),
                    owner: try columns(row).value("owner", as: String.self)
                )
            }
            return Expired(tasks: tasks, images: images)
        }
    }

    /// Of a row of `tasks`: made before the argument, and no job waits or runs.
    static let isExpired = """
        created < ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE task = tasks.id AND state IN ('queued', 'running'))
        """
}
