/// Where tasks, their support sets, jobs, adapters and uploaded images are kept.
///
/// Every change is one atomic act, files included: after a crash at any moment either all of it is there or nothing.
/// Calls are synchronous and wait for the disk; make them where waiting is allowed.
package protocol Store: Sendable {
    // MARK: Tasks

    func createTask(_ new: NewTask) throws(StoreError) -> (task: TaskRecord, job: Job?)

    /// Appends examples and queues a job; `.unknown` when there is no such task.
    ///
    /// - Parameter expected: Examples that the task was seen to have; `.supportChanged` when it has others by now. Nil: any number.
    func addSupport(
        _ examples: [NewExample], to task: String, having expected: Int?, job: NewJob?
    ) throws(StoreError) -> (task: TaskRecord, job: Job?)

    func task(_ id: String) throws(StoreError) -> TaskRecord?

    /// Tasks of one owner or of all, newest first, from the one made before `after` on.
    func tasks(limit: Int, after: String?, owner: String?) throws(StoreError) -> [TaskRecord]

    /// The support set in the order of arrival; empty when there is no such task.
    func support(of task: String) throws(StoreError) -> [SupportExample]

    /// Removes a task with its jobs, adapters and files; nil when there is no such task.
    ///
    /// - Parameter limit: Nil also, and the task stays, unless it was made before and no job waits or runs on it, as `expired` asks.
    func deleteTask(_ id: String, ifExpiredBefore limit: Timestamp?) throws(StoreError) -> Deletion?

    // MARK: Adapters

    /// All versions, oldest first.
    func adapters(of task: String) throws(StoreError) -> [AdapterVersion]

    /// One version, or the one that is served; nil when there is none.
    func adapter(of task: String, version: Int?) throws(StoreError) -> AdapterVersion?

    /// The versions whose file has this hash, oldest first: of several tasks when one was imported.
    func adapters(sha256: String) throws(StoreError) -> [AdapterVersion]

    /// Chooses what the task answers with; nil: the unadapted model.
    func serveAdapter(_ version: Int?, of task: String) throws(StoreError)

    /// Removes a version with its file; false when there is none. The one that is served stays: `.unknown` then.
    func deleteAdapter(_ version: Int, of task: String) throws(StoreError) -> Bool

    // MARK: Images

    /// Keeps an image; when its owner has it already, nothing changes and the first record comes back.
    func saveImage(_ new: NewImage) throws(StoreError) -> ImageRecord

    /// The image as `owner` keeps it; the oldest of all when that is nil. Each owner has a copy of their own, so that nobody learns
    /// what others have, and deleting means the same for all.
    func image(_ id: String, owner: String?) throws(StoreError) -> ImageRecord?

    /// Removes `owner`'s copy, or all copies when that is nil. The bytes of each file that is gone; none when there was none.
    func deleteImage(_ id: String, owner: String?) throws(StoreError) -> [Int]

    // MARK: Owners

    func usage(of owner: String) throws(StoreError) -> StoreUsage

    // MARK: Retention

    /// Tasks made before `time` on which no job waits or runs, and images stored before it, oldest first.
    func expired(before time: Timestamp) throws(StoreError) -> Expired

    // MARK: Jobs

    func job(_ id: String) throws(StoreError) -> Job?

    /// Jobs of one task or of all, of one owner or of all, newest first, from the one made before `after` on.
    func jobs(task: String?, limit: Int, after: String?, owner: String?) throws(StoreError) -> [Job]

    /// Takes the next queued job and marks it as running; nil when none waits. The next is of the highest priority; among
    /// these of the owner whose last job began longest ago; among these the one that came first.
    func claimJob() throws(StoreError) -> Job?

    /// Keeps a running job's progress. True when somebody asked for the job's cancellation; `.unknown` when it was
    /// deleted or no longer runs.
    func recordProgress(_ progress: JobProgress, revision: Int, of job: String) throws(StoreError) -> Bool

    /// Keeps what a running job needs to go on after a crash, in place of what it kept before.
    func saveCheckpoint(_ content: FileContent, of job: String) throws(StoreError) -> StoredFile

    /// A queued job is cancelled at once, a running one is marked, a final one stays as it is; nil when unknown.
    func requestCancel(_ job: String) throws(StoreError) -> Job?

    /// Ends a run and, in the same act, publishes the adapter it made. A job whose cancellation was asked for ends as
    /// cancelled whatever `ending` says, and publishes nothing. `.unknown` when it was deleted or no longer runs.
    func endJob(
        _ job: String, as ending: JobEnding, progress: JobProgress, revision: Int
    ) throws(StoreError) -> Job

    /// Jobs that a killed process left running: queued again, or ended when their cancellation was asked for or
    /// `maximumAttempts` runs have been cut short. Returned as they are now.
    func recoverJobs(maximumAttempts: Int) throws(StoreError) -> [Job]

    // MARK: Files and health

    /// An absolute path to open; `.missingFile` when the file is gone.
    func localPath(_ file: StoredFile) throws(StoreError) -> String

    func read(_ file: StoredFile) throws(StoreError) -> [UInt8]

    /// For uploads on their way, on the file system of the store; emptied at start.
    var spoolDirectory: String { get }

    /// A fresh private directory for temporary files, on the file system of the store; the caller removes it.
    func makeScratchDirectory() throws(StoreError) -> String
    func removeScratchDirectory(_ path: String)

    /// Writes for real now and then, so that a full or read-only disk is noticed, and counts.
    func probe() throws(StoreError) -> StoreHealth
}

/// What one owner takes up.
package struct StoreUsage: Sendable, Equatable {
    /// Queued or running.
    package let jobs: Int
    /// Of all files.
    package let bytes: Int

    package init(jobs: Int, bytes: Int) {
        self.jobs = jobs
        self.bytes = bytes
    }
}

/// What has been kept for long enough.
package struct Expired: Sendable, Equatable {
    package let tasks: [String]
    package let images: [(id: String, owner: String)]

    package init(tasks: [String], images: [(id: String, owner: String)]) {
        self.tasks = tasks
        self.images = images
    }

    package static func == (one: Expired, other: Expired) -> Bool {
        one.tasks == other.tasks && one.images.elementsEqual(other.images) { $0 == $1 }
    }
}

/// What a store can say of itself.
package struct StoreHealth: Sendable, Equatable {
    /// Bytes that this process may still write.
    package let freeBytes: Int
    package let tasks: Int
    package let images: Int
    package let jobs: [JobState: Int]
}
