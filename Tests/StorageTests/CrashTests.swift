import Glibc
import Storage
import TestSupport
import Testing

/// The process dies by SIGKILL at each step of a change; the next start finds all of it or nothing, and no litter.
@Suite struct CrashTests {
    /// Opens the store so that `step` kills the process, from when `armed` is set.
    private static func mortal(_ path: String, _ step: String) throws -> (store: SQLiteStore, arm: @Sendable () -> Void)
    {
        let armed = Flag()
        let store = try SQLiteStore(directory: path) { reached in
            if armed.isSet, "\(reached)" == step { kill(getpid(), SIGKILL) }
        }
        return (store, { armed.set() })
    }

    @Test(arguments: StoreStep.allCases) func creatingATask(_ step: StoreStep) async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = folder.path as String, step = "\(step)" as String] in
            let (store, arm) = try CrashTests.mortal(path, step)
            arm()
            _ = try store.createTask(Sample.task(adapter: Sample.adapter()))
        }
        let store = try SQLiteStore(directory: folder.path)
        let tasks = try store.tasks(limit: 10, after: nil)
        #expect(tasks.count == (step == .committed ? 1 : 0))
        #expect(tasks.allSatisfy { $0.supportCount == 2 && $0.servedAdapter == 1 && $0.state == .queued })
        try expectNothingAstray(store, folder.path)
    }

    @Test(arguments: StoreStep.allCases) func publishingAnAdapter(_ step: StoreStep) async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = folder.path as String, step = "\(step)" as String] in
            let (store, arm) = try CrashTests.mortal(path, step)
            _ = try store.createTask(Sample.task())
            guard let job = try store.claimJob() else { return }
            _ = try store.saveCheckpoint(.bytes([9]), of: job.id)
            arm()
            let outcome = JobOutcome(resultJSON: "{}", adapter: Sample.adapter())
            _ = try store.endJob(job.id, as: .succeeded(outcome), progress: .none, revision: 0)
        }
        let store = try SQLiteStore(directory: folder.path)
        let job = try #require(try store.jobs(task: nil, limit: 1, after: nil).first)
        let adapter = try store.adapter(of: job.task, version: nil)
        if step == .committed {
            #expect(job.state == .succeeded && job.checkpoint == nil)
            #expect(try store.read(try #require(adapter).file) == Array("weights".utf8))
        } else {
            #expect(job.state == .running)
            #expect(adapter == nil)
            #expect(try store.recoverJobs(maximumAttempts: 3).map(\.state) == [.queued])
            #expect(try store.read(try #require(job.checkpoint)) == [9])
        }
        try expectNothingAstray(store, folder.path)
    }

    @Test(arguments: StoreStep.allCases) func replacingACheckpoint(_ step: StoreStep) async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = folder.path as String, step = "\(step)" as String] in
            let (store, arm) = try CrashTests.mortal(path, step)
            _ = try store.createTask(Sample.task())
            guard let job = try store.claimJob() else { return }
            _ = try store.saveCheckpoint(.bytes([1]), of: job.id)
            arm()
            _ = try store.saveCheckpoint(.bytes([2]), of: job.id)
        }
        let store = try SQLiteStore(directory: folder.path)
        let job = try #require(try store.jobs(task: nil, limit: 1, after: nil).first)
        #expect(try store.read(try #require(job.checkpoint)) == [step == .committed ? 2 : 1])
        try expectNothingAstray(store, folder.path)
    }

    @Test func deletingATask() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
            let (store, arm) = try CrashTests.mortal(path, "committed")
            let task = try store.createTask(Sample.task(adapter: Sample.adapter())).task
            arm()
            _ = try store.deleteTask(task.id)
        }
        #expect(!files(below: folder.file("tasks")).isEmpty)
        let store = try SQLiteStore(directory: folder.path)
        #expect(try store.tasks(limit: 10, after: nil).isEmpty)
        #expect(files(below: folder.file("tasks")).isEmpty)
        try expectNothingAstray(store, folder.path)
    }

    @Test(arguments: StoreStep.allCases) func savingAnImage(_ step: StoreStep) async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = folder.path as String, step = "\(step)" as String] in
            let (store, arm) = try CrashTests.mortal(path, step)
            arm()
            _ = try store.saveImage(Sample.image("img_1"))
        }
        let store = try SQLiteStore(directory: folder.path)
        #expect(try (store.image("img_1") != nil) == (step == .committed))
        try expectNothingAstray(store, folder.path, images: ["img_1"])
    }

    @Test func inTheMiddleOfManyChanges() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
            let steps = Counter()
            let store = try SQLiteStore(directory: path) { _ in
                if steps.next() == 57 { kill(getpid(), SIGKILL) }
            }
            var tasks: [String] = []
            for number in 0..<1_000 {
                tasks.append(try store.createTask(Sample.task(name: "\(number)")).task.id)
                if let job = try store.claimJob() {
                    _ = try store.saveCheckpoint(.bytes([1]), of: job.id)
                    let outcome = JobOutcome(resultJSON: "{}", adapter: Sample.adapter())
                    _ = try store.endJob(job.id, as: .succeeded(outcome), progress: .none, revision: 0)
                }
                if number.isMultiple(of: 3) { _ = try store.deleteTask(tasks.removeFirst()) }
            }
        }
        let store = try SQLiteStore(directory: folder.path)
        #expect(try !store.tasks(limit: 100, after: nil).isEmpty)
        try expectNothingAstray(store, folder.path)
    }
}
