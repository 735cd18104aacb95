import GRDB

extension SQLiteStore {
    package func usage(of owner: String) throws(StoreError) -> StoreUsage {
        try read { database in
            let jobs = try Int.fetchOne(
                database,
                sql: """
                    SELECT count(*) FROM jobs JOIN tasks ON tasks.id = jobs.task
                    WHERE tasks.owner = ? AND jobs.state IN ('queued', 'running')
                    """,
                arguments: [owner])
            let bytes = try Int.fetchOne(
                database,
                sql: """
                    SELECT coalesce(sum(bytes), 0) FROM (
                        SELECT image_bytes + mask_bytes AS bytes FROM support JOIN tasks ON tasks.id = support.task
                            WHERE tasks.owner = :owner
                        UNION ALL SELECT bytes FROM adapters JOIN tasks ON tasks.id = adapters.task
                            WHERE tasks.owner = :owner
                        UNION ALL SELECT coalesce(checkpoint_bytes, 0) FROM jobs JOIN tasks ON tasks.id = jobs.task
                            WHERE tasks.owner = :owner
                        UNION ALL SELECT bytes FROM images WHERE owner = :owner)
                    """,
                arguments: ["owner": owner])
            return StoreUsage(jobs: jobs ?? 0, bytes: bytes ?? 0)
        }
    }
}
