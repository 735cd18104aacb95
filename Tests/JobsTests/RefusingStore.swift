import Storage

/// A store that refuses what it is told to refuse, and leaves the rest to another.
struct RefusingStore: Store {
    enum Act: Sendable { case claim, record, end, scratch, look, checkpoint }

    let store: SQLiteStore
    /// Called before each of these acts; what it throws is the refusal.
    let refuse: @Sendable (Act) throws(StoreError) -> Void

    func claimJob() throws(StoreError) -> Job? {
        try refuse(.claim)
        return try store.claimJob()
    }

    func recordProgress(_ progress: JobProgress, revision: Int, of job: String) throws(StoreError) -> Bool {
        try refuse(.record)
        return try store.recordProgress(progress, revision: revision, of: job)
    }

    func endJob(
        _ job: String, as ending: JobEnding, progress: JobProgress, revision: Int
    ) throws(StoreError) -> Job {
        try refuse(.end)
        return try store.endJob(job, as: ending, progress: progress, revision: revision)
    }

    func makeScratchDirectory() throws(StoreError) -> String {
        try refuse(.scratch)
        return try store.makeScratchDirectory()
    }

    func job(_ id: String) throws(StoreError) -> Job? {
        try refuse(.look)
        return try store.job(id)
    }

    func createTask(_ new: NewTask) throws(StoreError) -> (task: TaskRecord, job: Job?) { try store.createTask(new) }
    func addSupport(
        _ examples: [NewExample], to task: String, having expected: Int?, job: NewJob?
    ) throws(StoreError) -> (task: TaskRecord, job: Job?) {
        try store.addSupport(examples, to: task, having: expected, job: job)
    }
    func task(_ id: String) throws(StoreError) -> TaskRecord? { try store.task(id) }
    func tasks(limit: Int, after: String?, owner: String?) throws(StoreError) -> [TaskRecord] {
        try store.tasks(limit: limit, after: after, owner: owner)
    }
    func support(of task: String) throws(StoreError) -> [SupportExample] { try store.support(of: task) }
    func deleteTask(_ id: String, ifExpiredBefore limit: Timestamp?) throws(StoreError) -> Deletion? {
        try store.deleteTask(id, ifExpiredBefore: limit)
    }
    func adapters(of task: String) throws(StoreError) -> [AdapterVersion] { try store.adapters(of: task) }
    func adapters(sha256: String) throws(StoreError) -> [AdapterVersion] { try store.adapters(sha256: sha256) }
    func adapter(of task: String, version: Int?) throws(StoreError) -> AdapterVersion? {
        try store.adapter(of: task, version: version)
    }
    func serveAdapter(_ version: Int?, of task: String) throws(StoreError) {
        try store.serveAdapter(version, of: task)
    }
    func deleteAdapter(_ version: Int, of task: String) throws(StoreError) -> Bool {
        try store.deleteAdapter(version, of: task)
    }
    func saveImage(_ new: NewImage) throws(StoreError) -> ImageRecord { try store.saveImage(new) }
    func image(_ id: String, owner: String?) throws(StoreError) -> ImageRecord? { try store.image(id, owner: owner) }
    func deleteImage(_ id: String, owner: String?) throws(StoreError) -> [Int] {
        try store.deleteImage(id, owner: owner)
    }
    func expired(before time: Timestamp) throws(StoreError) -> Expired { try store.expired(before: time) }
    func usage(of owner: String) throws(StoreError) -> StoreUsage { try store.usage(of: owner) }
    func jobs(task: String?, limit: Int, after: String?, owner: String?) throws(StoreError) -> [Job] {
        try store.jobs(task: task, limit: limit, after: after, owner: owner)
    }
    func saveCheckpoint(_ content: FileContent, of job: String) throws(StoreError) -> StoredFile {
        try refuse(.checkpoint)
        return try store.saveCheckpoint(content, of: job)
    }
    func requestCancel(_ job: String) throws(StoreError) -> Job? { try store.requestCancel(job) }
    func recoverJobs(maximumAttempts: Int) throws(StoreError) -> [Job] {
        try store.recoverJobs(maximumAttempts: maximumAttempts)
    }
    func localPath(_ file: StoredFile) throws(StoreError) -> String { try store.localPath(file) }
    func read(_ file: StoredFile) throws(StoreError) -> [UInt8] { try store.read(file) }
    var spoolDirectory: String { store.spoolDirectory }
    func removeScratchDirectory(_ path: String) { store.removeScratchDirectory(path) }
    func probe() throws(StoreError) -> StoreHealth { try store.probe() }
}
