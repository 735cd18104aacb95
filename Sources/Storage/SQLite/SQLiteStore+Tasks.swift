import Basics
import GRDB

extension SQLiteStore {
    package func createTask(_ new: NewTask) throws(StoreError) -> (task: TaskRecord, job: Job?) {
        let id = Identifier.make("task")
        var examples: [StagedExample] = []
        var adapter: StoredFile?
        return try writeFiles { (staging) throws(StoreError) in
            examples = try stage(new.support, of: id, staging)
            if let new = new.adapter { adapter = try staging.stage(new.file, as: "adapter", in: Self.folder(of: id)) }
        } _: { database, _ in
            try database.execute(
                sql: """
                    INSERT INTO tasks (id, owner, name, labels, spacing, model, settings, created)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, new.owner, new.name, try JSONColumn.text(new.labels), try new.spacing.map(JSONColumn.text),
                    new.model, new.settingsJSON, clock.now().milliseconds,
                ])
            try insert(examples, into: id, database)
            if let description = new.adapter, let adapter {
                try publish(description, adapter, to: id, database)
            }
            let job = try new.job.map { try insert($0, of: id, database) }
            return (try require(id, database), job)
        }
    }

    package func addSupport(
        _ new: [NewExample], to task: String, having expected: Int?, job: NewJob?
    ) throws(StoreError) -> (task: TaskRecord, job: Job?) {
        var examples: [StagedExample] = []
        // Before any file is written for a task that is not there; the transaction looks again.
        guard try self.task(task) != nil else { throw .unknown(kind: "task", id: task) }
        return try writeFiles { (staging) throws(StoreError) in
            examples = try stage(new, of: task, staging)
        } _: { database, _ in
            let found = try require(task, database).supportCount
            guard expected == nil || found == expected else { throw StoreError.supportChanged(task: task) }
            try insert(examples, into: task, database)
            let job = try job.map { try insert($0, of: task, database) }
            return (try require(task, database), job)
        }
    }

    package func task(_ id: String) throws(StoreError) -> TaskRecord? {
        try read { database in try fetchTask(id, database) }
    }

    package func tasks(limit: Int, after: String?, owner: String?) throws(StoreError) -> [TaskRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    \(Self.selectTask)
                    WHERE (:after IS NULL OR sequence < (SELECT sequence FROM tasks WHERE id = :after))
                        AND (:owner IS NULL OR owner = :owner)
                    ORDER BY sequence DESC LIMIT :limit
                    """,
                arguments: ["after": after, "limit": max(0, limit), "owner": owner]
            ).map { try taskRecord(columns($0)) }
        }
    }

    package func support(of task: String) throws(StoreError) -> [SupportExample] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM support WHERE task = ? ORDER BY position", arguments: [task]
            ).map { try supportExample(columns($0)) }
        }
    }

    package func deleteTask(_ id: String, ifExpiredBefore limit: Timestamp?) throws(StoreError) -> Deletion? {
        let deletion: Deletion? = try write { database in
            guard try fetchTask(id, database) != nil else { return nil }
            if let limit {
                let isExpired = try Bool.fetchOne(
                    database, sql: "SELECT \(Self.isExpired) FROM tasks WHERE id = ?",
                    arguments: [limit.milliseconds, id])
                guard isExpired == true else { return nil }
            }
            let jobs = try String.fetchAll(
                database, sql: "SELECT id FROM jobs WHERE task = ? ORDER BY sequence", arguments: [id])
            let files = try Int.fetchAll(
                database,
                sql: """
                    SELECT image_bytes FROM support WHERE task = :task
                    UNION ALL SELECT mask_bytes FROM support WHERE task = :task
                    UNION ALL SELECT bytes FROM adapters WHERE task = :task
                    UNION ALL SELECT checkpoint_bytes FROM jobs WHERE task = :task AND checkpoint_file IS NOT NULL
                    """,
                arguments: ["task": id])
            try database.execute(sql: "DELETE FROM tasks WHERE id = ?", arguments: [id])
            return Deletion(task: id, jobs: jobs, fileCount: files.count, byteCount: files.reduce(0, &+))
        }
        guard let deletion else { return nil }
        try onStep(.committed)
        // Out of sight in one step, so that a crash leaves nothing half removed under the task's name.
        let (directory, trash) = (layout.path(Self.folder(of: id)), layout.staging + "/" + Identifier.make("trash"))
        if Files.isDirectory(directory) {
            let isMoved = (try? Files.rename(directory, to: trash)) != nil
            discard([isMoved ? trash : directory], in: layout.tasks)
        }
        forgetLog()
        return deletion
    }

    /// Empties the write-ahead log, which may still spell deleted rows; when a reader is in the way, the next change tries again.
    func forgetLog() {
        try? pool.writeWithoutTransaction { database in
            logRemains.withLock { $0 = true }
            // The first column says whether it could not be done: sqlite.org/pragma.html#pragma_wal_checkpoint.
            let isBusy = try Bool.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)") ?? true
            logRemains.withLock { $0 = isBusy }
        }
    }

    static func folder(of task: String) -> String { "tasks/" + task }

    func fetchTask(_ id: String, _ database: Database) throws -> TaskRecord? {
        try Row.fetchOne(database, sql: "\(Self.selectTask) WHERE id = ?", arguments: [id])
            .map { try taskRecord(columns($0)) }
    }

    private func require(_ id: String, _ database: Database) throws -> TaskRecord {
        guard let task = try fetchTask(id, database) else { throw StoreError.unknown(kind: "task", id: id) }
        return task
    }

    private static let selectTask = """
        SELECT tasks.*, (SELECT count(*) FROM support WHERE task = tasks.id) AS support_count,
            (SELECT id FROM jobs WHERE task = tasks.id ORDER BY sequence DESC LIMIT 1) AS latest_job,
            (SELECT state FROM jobs WHERE task = tasks.id ORDER BY sequence DESC LIMIT 1) AS latest_state
        FROM tasks
        """

    private func taskRecord(_ columns: Columns) throws(StoreError) -> TaskRecord {
        TaskRecord(
            id: try columns.value("id"), owner: try columns.optional("owner"), name: try columns.value("name"),
            labels: try columns.json("labels"), spacing: try columns.optionalJSON("spacing"),
            model: try columns.value("model"), settingsJSON: try columns.value("settings"),
            created: try columns.time("created"), supportCount: try columns.value("support_count"),
            servedAdapter: try columns.optional("served_adapter"), latestJob: try columns.optional("latest_job"),
            state: TaskState(latestJob: try columns.optional("latest_state", as: String.self).flatMap(JobState.init)))
    }

    private func supportExample(_ columns: Columns) throws(StoreError) -> SupportExample {
        SupportExample(
            task: try columns.value("task"), index: try columns.value("position"), stem: try columns.value("stem"),
            image: try columns.file("image_file", "image_bytes"), mask: try columns.file("mask_file", "mask_bytes"),
            imageHash: try columns.value("image_hash"), maskHash: try columns.value("mask_hash"),
            width: try columns.value("width"), height: try columns.value("height"),
            patient: try columns.optional("patient"))
    }

    private typealias StagedExample = (new: NewExample, image: StoredFile, mask: StoredFile)

    private func stage(
        _ examples: [NewExample], of task: String, _ staging: Staging
    ) throws(StoreError) -> [StagedExample] {
        var staged: [StagedExample] = []
        for example in examples {
            let image = try staging.stage(example.image, as: "image", in: Self.folder(of: task))
            let mask = try staging.stage(example.mask, as: "mask", in: Self.folder(of: task))
            staged.append((example, image, mask))
        }
        return staged
    }

    private func insert(_ examples: [StagedExample], into task: String, _ database: Database) throws {
        let first =
            try Int.fetchOne(
                database, sql: "SELECT coalesce(max(position) + 1, 0) FROM support WHERE task = ?", arguments: [task])
            ?? 0
        for (offset, example) in examples.enumerated() {
            try database.execute(
                sql: """
                    INSERT INTO support (task, position, stem, image_file, image_bytes, mask_file, mask_bytes, image_hash,
                        mask_hash, width, height, patient)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    task, first + offset, example.new.stem, example.image.name, example.image.byteCount,
                    example.mask.name, example.mask.byteCount, example.new.imageHash, example.new.maskHash,
                    example.new.width, example.new.height, example.new.patient,
                ])
        }
    }
}
