import Basics
import GRDB

extension SQLiteStore {
    package func job(_ id: String) throws(StoreError) -> Job? {
        try read { database in try fetchJob(id, database) }
    }

    package func jobs(task: String?, limit: Int, after: String?, owner: String?) throws(StoreError) -> [Job] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM jobs WHERE (:task IS NULL OR task = :task)
                    AND (:owner IS NULL OR task IN (SELECT id FROM tasks WHERE owner = :owner))
                    AND (:after IS NULL OR sequence < (SELECT sequence FROM jobs WHERE id = :after))
                    ORDER BY sequence DESC LIMIT :limit
                    """,
                arguments: ["task": task, "after": after, "limit": max(0, limit), "owner": owner]
            ).map { try jobRecord(columns($0)) }
        }
    }

    package func claimJob() throws(StoreError) -> Job? {
        try write { database in
            let claimed = try Row.fetchOne(
                database,
                sql: """
                    UPDATE jobs SET state = 'running', attempts = attempts + 1, started = ?, revision = revision + 1
                    WHERE sequence = (
                        SELECT waiting.sequence FROM jobs AS waiting JOIN tasks ON tasks.id = waiting.task
                        WHERE waiting.state = 'queued'
                        ORDER BY waiting.priority DESC,
                            (SELECT coalesce(max(before.started), 0) FROM jobs AS before
                             JOIN tasks AS theirs ON theirs.id = before.task WHERE theirs.owner IS tasks.owner),
                            waiting.sequence LIMIT 1)
                    RETURNING *
                    """,
                arguments: [clock.now().milliseconds])
            return try claimed.map { try jobRecord(columns($0)) }
        }
    }

    package func recordProgress(
        _ progress: JobProgress, revision: Int, of job: String
    ) throws(StoreError) -> Bool {
        try write { database in
            let isCancelRequested = try Bool.fetchOne(
                database,
                sql: """
                    UPDATE jobs SET progress = ?, revision = max(revision, ?) WHERE id = ? AND state = 'running'
                    RETURNING cancel_requested
                    """,
                arguments: [try JSONColumn.text(progress), revision, job])
            guard let isCancelRequested else { throw StoreError.unknown(kind: "job", id: job) }
            return isCancelRequested
        }
    }

    package func saveCheckpoint(_ content: FileContent, of job: String) throws(StoreError) -> StoredFile {
        guard let task = try self.job(job)?.task else { throw .unknown(kind: "job", id: job) }
        var file: StoredFile?
        let (saved, replaced): (StoredFile, StoredFile?) = try writeFiles { (staging) throws(StoreError) in
            file = try staging.stage(content, as: "checkpoint", in: Self.folder(of: task))
        } _: { database, _ in
            let found = try fetchJob(job, database)
            guard let found, found.state == .running, let file else {
                throw StoreError.unknown(kind: "job", id: job)
            }
            try database.execute(
                sql: "UPDATE jobs SET checkpoint_file = ?, checkpoint_bytes = ? WHERE id = ?",
                arguments: [file.name, file.byteCount, job])
            return (file, found.checkpoint)
        }
        discard(replaced)
        return saved
    }

    package func requestCancel(_ job: String) throws(StoreError) -> Job? {
        let (found, checkpoint): (Job?, StoredFile?) = try write { database in
            guard let found = try fetchJob(job, database) else { return (nil, nil) }
            switch found.state {
            case .queued:
                try finish(job, .cancelled, progress: found.progress, revision: found.revision, database)
            case .running:
                try database.execute(sql: "UPDATE jobs SET cancel_requested = 1 WHERE id = ?", arguments: [job])
            case .succeeded, .failed, .cancelled: return (found, nil)
            }
            let changed = try fetchJob(job, database)
            return (changed, changed?.state.isFinal == true ? found.checkpoint : nil)
        }
        discard(checkpoint)
        return found
    }

    package func endJob(
        _ job: String, as ending: JobEnding, progress: JobProgress, revision: Int
    ) throws(StoreError) -> Job {
        guard let before = try self.job(job) else { throw .unknown(kind: "job", id: job) }
        var adapter: StoredFile?
        var checkpoint: StoredFile?
        let ended: Job = try writeFiles { (staging) throws(StoreError) in
            if case .succeeded(let outcome) = ending, let new = outcome.adapter, !before.isCancelRequested {
                adapter = try staging.stage(new.file, as: "adapter", in: Self.folder(of: before.task))
            }
        } _: { database, staging in
            guard let found = try fetchJob(job, database), found.state == .running else {
                throw StoreError.unknown(kind: "job", id: job)
            }
            var ending = found.isCancelRequested ? .cancelled : ending
            if case .succeeded(var outcome) = ending, let new = outcome.adapter, let adapter {
                if try publish(new, adapter, to: found.task, database), let overtaken = outcome.overtakenJSON {
                    outcome.resultJSON = overtaken
                    ending = .succeeded(outcome)
                }
            } else {
                staging.discard()
            }
            try finish(job, ending, progress: progress, revision: revision, database)
            guard let ended = try fetchJob(job, database) else { throw StoreError.unknown(kind: "job", id: job) }
            checkpoint = ended.checkpoint == nil ? found.checkpoint : nil
            return ended
        }
        discard(checkpoint)
        return ended
    }

    package func recoverJobs(maximumAttempts: Int) throws(StoreError) -> [Job] {
        let (jobs, checkpoints): ([Job], [StoredFile?]) = try write { database in
            let found = try Row.fetchAll(database, sql: "SELECT * FROM jobs WHERE state = 'running' ORDER BY sequence")
                .map { try jobRecord(columns($0)) }
            for job in found {
                // Watchers may have seen more revisions than were kept: skip ahead, so that ids only grow.
                let revision = job.revision &+ (1 << 20)
                if job.isCancelRequested {
                    try finish(job.id, .cancelled, progress: job.progress, revision: revision, database)
                } else if job.attempts >= maximumAttempts {
                    let failure = JobFailure(
                        code: "interrupted",
                        message: "The server was stopped or died \(job.attempts) times while it ran this job.",
                        hint: "The server's log says why it ended; too little memory is a frequent cause.")
                    try finish(job.id, .failed(failure), progress: job.progress, revision: revision, database)
                } else {
                    try database.execute(
                        sql: "UPDATE jobs SET state = 'queued', revision = ? WHERE id = ?",
                        arguments: [revision, job.id])
                }
            }
            let now = try found.compactMap { try fetchJob($0.id, database) }
            return (now, zip(found, now).map { $1.state.isFinal ? $0.checkpoint : nil })
        }
        for checkpoint in checkpoints { discard(checkpoint) }
        return jobs
    }

    /// Removes a file that no record names any more; what cannot be removed goes at the next start.
    private func discard(_ file: StoredFile?) {
        if let file { discard([layout.path(file.name)]) }
    }

    func insert(_ new: NewJob, of task: String, _ database: Database) throws -> Job {
        let id = Identifier.make("job")
        try database.execute(
            sql: """
                INSERT INTO jobs (id, task, kind, parameters, priority, state, progress, created)
                VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)
                """,
            arguments: [
                id, task, new.kind, new.parametersJSON, new.priority, try JSONColumn.text(JobProgress.none),
                clock.now().milliseconds,
            ])
        guard let job = try fetchJob(id, database) else { throw StoreError.unknown(kind: "job", id: id) }
        return job
    }

    /// Writes how a run ended. A final job needs no checkpoint any more; the caller removes its file.
    private func finish(
        _ job: String, _ ending: JobEnding, progress: JobProgress, revision: Int, _ database: Database
    ) throws {
        if case .putBack = ending {
            try database.execute(
                sql: """
                    UPDATE jobs SET state = 'queued', attempts = max(0, attempts - 1), progress = ?,
                        revision = max(revision, ?) + 1 WHERE id = ?
                    """,
                arguments: [try JSONColumn.text(progress), revision, job])
            return
        }
        var progress = progress
        var (failure, result): (String?, String?) = (nil, nil)
        let state: JobState
        switch ending {
        case .succeeded(let outcome):
            state = .succeeded
            result = outcome.resultJSON
            progress.fraction = 1
        case .failed(let reason):
            state = .failed
            failure = try JSONColumn.text(reason)
        case .cancelled, .putBack: state = .cancelled
        }
        progress.etaSeconds = nil
        try database.execute(
            sql: """
                UPDATE jobs SET state = ?, progress = ?, failure = ?, result = ?, finished = ?,
                    checkpoint_file = NULL, checkpoint_bytes = NULL, revision = max(revision, ?) + 1 WHERE id = ?
                """,
            arguments: [
                state.rawValue, try JSONColumn.text(progress), failure, result, clock.now().milliseconds, revision, job,
            ])
    }

    private func fetchJob(_ id: String, _ database: Database) throws -> Job? {
        try Row.fetchOne(database, sql: "SELECT * FROM jobs WHERE id = ?", arguments: [id])
            .map { try jobRecord(columns($0)) }
    }

    private func jobRecord(_ columns: Columns) throws(StoreError) -> Job {
        guard let state = JobState(rawValue: try columns.value("state")) else { throw columns.damaged("state") }
        return Job(
            id: try columns.value("id"), task: try columns.value("task"), kind: try columns.value("kind"),
            parametersJSON: try columns.value("parameters"), priority: try columns.value("priority"), state: state,
            progress: try columns.json("progress"), attempts: try columns.value("attempts"),
            isCancelRequested: try columns.value("cancel_requested"), failure: try columns.optionalJSON("failure"),
            resultJSON: try columns.optional("result"),
            checkpoint: try columns.optionalFile("checkpoint_file", "checkpoint_bytes"),
            created: try columns.time("created"), started: try columns.optionalTime("started"),
            finished: try columns.optionalTime("finished"), revision: try columns.value("revision"))
    }
}
