import Basics
import Dispatch
import GRDB

extension SQLiteStore {
    package func localPath(_ file: StoredFile) throws(StoreError) -> String {
        let path = try safePath(file)
        guard Files.size(path) != nil else { throw .missingFile(name: file.name) }
        return path
    }

    package func read(_ file: StoredFile) throws(StoreError) -> [UInt8] {
        try Files.read(try safePath(file), name: file.name)
    }

    package func makeScratchDirectory() throws(StoreError) -> String {
        let path = layout.staging + "/" + Identifier.make("scratch")
        try Files.makeDirectory(path)
        return path
    }

    package func removeScratchDirectory(_ path: String) {
        guard path.hasPrefix(layout.staging + "/scratch_") else { return }
        try? Files.removeTree(path)
    }

    package func probe() throws(StoreError) -> StoreHealth {
        discard([])
        try proveWritable()
        let freeBytes = try Files.freeBytes(layout.root)
        return try read { database in
            let states = try Row.fetchAll(database, sql: "SELECT state, count(*) AS count FROM jobs GROUP BY state")
            var jobs: [JobState: Int] = [:]
            for row in states.map(columns) {
                guard let state = JobState(rawValue: try row.value("state")) else { throw row.damaged("state") }
                jobs[state] = try row.value("count")
            }
            return StoreHealth(
                freeBytes: freeBytes,
                tasks: try Int.fetchOne(database, sql: "SELECT count(*) FROM tasks") ?? 0,
                images: try Int.fetchOne(database, sql: "SELECT count(*) FROM images") ?? 0, jobs: jobs)
        }
    }

    /// Writes for real, so that a full or read-only disk is noticed; once a second at most, as anybody may ask whether the server is ready.
    private func proveWritable() throws(StoreError) {
        let outcome = proving.sync {
            let now = clock.now()
            if let last = proof.withLock({ $0 }), (0..<1_000).contains(now.milliseconds - last.time.milliseconds) {
                return last.outcome
            }
            let outcome = Result { () throws(StoreError) in
                let path = layout.staging + "/" + Identifier.make("probe")
                _ = try Files.write(.bytes([0]), to: path)
                try Files.remove(path)
                // Setting the owner's mark again takes the write lock and a page of the log, and changes nothing.
                try write { try $0.execute(sql: "PRAGMA application_id = \(Schema.applicationID)") }
            }
            proof.withLock { $0 = (now, outcome) }
            return outcome
        }
        try outcome.get()
    }

    /// A record of a damaged database must not lead out of the data folder.
    private func safePath(_ file: StoredFile) throws(StoreError) -> String {
        let parts = file.name.split(separator: "/", omittingEmptySubsequences: false)
        guard ["tasks", "images"].contains(parts.first), parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            throw .corrupted(path: layout.database, detail: "unreadable file name")
        }
        return layout.path(file.name)
    }
}
