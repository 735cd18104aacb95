import Storage
import TestSupport
import Testing

@Suite struct AdapterTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path)
    }

    /// Queues a job, runs it, and ends it with an adapter, compared with what is served as it begins.
    @discardableResult
    private func adapt(_ task: String, _ adapter: NewAdapter, meanwhile: () throws -> Void = {}) throws -> String? {
        _ = try store.addSupport([], to: task, having: nil, job: NewJob())
        let job = try #require(try store.claimJob())
        var adapter = adapter
        if adapter.serving != .never { adapter.serving = .after(try store.task(task)?.servedAdapter) }
        try meanwhile()
        let outcome = JobOutcome(resultJSON: "answers", adapter: adapter, overtakenJSON: "overtaken")
        return try store.endJob(job.id, as: .succeeded(outcome), progress: .none, revision: 0).resultJSON
    }

    @Test func versionsAreNumberedAndTheNewestIsServed() throws {
        let id = try store.createTask(Sample.task(job: nil)).task.id
        #expect(try store.adapter(of: id, version: nil) == nil)
        try adapt(id, Sample.adapter("one"))
        try adapt(id, Sample.adapter("two, longer"))
        let versions = try store.adapters(of: id)
        #expect(versions.map(\.version) == [1, 2])
        #expect(versions.map(\.sha256) == ["sha of one", "sha of two, longer"])
        #expect(versions[0].cardJSON == #"{"rank":4}"#)
        #expect(try store.task(id)?.servedAdapter == 2)
        #expect(try store.adapter(of: id, version: nil) == versions[1])
        #expect(try store.adapter(of: id, version: 1) == versions[0])
        #expect(try store.adapter(of: id, version: 3) == nil)
        #expect(try store.read(versions[1].file) == Array("two, longer".utf8))
        try expectNothingAstray(store, folder.path)
    }

    @Test func oneThatDoesNotHelpIsKeptButNotServed() throws {
        let id = try store.createTask(Sample.task(job: nil)).task.id
        try adapt(id, Sample.adapter("good"))
        try adapt(id, Sample.adapter("worse", serving: .never))
        #expect(try store.task(id)?.servedAdapter == 1)
        #expect(try store.adapters(of: id).count == 2)
    }

    @Test func whatWasChosenDuringAJobStays() throws {
        let id = try store.createTask(Sample.task(job: nil)).task.id
        try adapt(id, Sample.adapter("one"))
        try adapt(id, Sample.adapter("two"))
        let third = try adapt(id, Sample.adapter("three"), meanwhile: { try store.serveAdapter(1, of: id) })
        #expect(try store.task(id)?.servedAdapter == 1)
        #expect(third == "overtaken", "the job does not say that it answers")
        let fourth = try adapt(id, Sample.adapter("four"), meanwhile: { try store.serveAdapter(nil, of: id) })
        #expect(try store.task(id)?.servedAdapter == nil)
        #expect(fourth == "overtaken")
        #expect(try adapt(id, Sample.adapter("five")) == "answers")
        #expect(try store.task(id)?.servedAdapter == 5)
        let kept = try adapt(
            id, Sample.adapter("six", serving: .never), meanwhile: { try store.serveAdapter(1, of: id) })
        #expect(kept == "answers", "it was not to answer anyway")
    }

    @Test func oneThatIsNotServedCanBeDeleted() throws {
        let id = try store.createTask(Sample.task(job: nil)).task.id
        for content in ["one", "two", "three"] { try adapt(id, Sample.adapter(content)) }
        let second = try #require(try store.adapter(of: id, version: 2))
        #expect(try store.deleteAdapter(2, of: id))
        #expect(try !store.deleteAdapter(2, of: id))
        #expect(try !store.deleteAdapter(9, of: id))
        #expect(try store.adapters(of: id).map(\.version) == [1, 3])
        #expect(throws: StoreError.self) { try store.read(second.file) }
        #expect(throws: StoreError.self) { try store.deleteAdapter(3, of: id) }
        #expect(try store.adapter(of: id, version: nil)?.version == 3)
        try expectNothingAstray(store, folder.path)
    }

    @Test func canBePinnedAndRolledBack() throws {
        let id = try store.createTask(Sample.task(job: nil)).task.id
        try adapt(id, Sample.adapter("one"))
        try adapt(id, Sample.adapter("two"))
        try store.serveAdapter(1, of: id)
        #expect(try store.adapter(of: id, version: nil)?.version == 1)
        try store.serveAdapter(nil, of: id)
        #expect(try store.adapter(of: id, version: nil) == nil)
        #expect(throws: StoreError.unknown(kind: "adapter", id: "\(id)/9")) { try store.serveAdapter(9, of: id) }
        #expect(throws: StoreError.unknown(kind: "task", id: "task_x")) { try store.serveAdapter(1, of: "task_x") }
    }

    @Test func areFoundByTheirHashInEveryTask() throws {
        let ids = try (0..<2).map { _ in try store.createTask(Sample.task(job: nil)).task.id }
        for id in ids { try adapt(id, Sample.adapter("same")) }
        try adapt(ids[0], Sample.adapter("other"))
        let found = try store.adapters(sha256: "sha of same")
        #expect(Set(found.map(\.task)) == Set(ids))
        #expect(found.allSatisfy { $0.version == 1 })
        #expect(try store.adapters(sha256: "sha of none").isEmpty)
        _ = try store.deleteTask(ids[0])
        #expect(try store.adapters(sha256: "sha of same").map(\.task) == [ids[1]])
    }

    @Test func ofACancelledJobIsNotPublished() throws {
        let id = try store.createTask(Sample.task()).task.id
        let job = try #require(try store.claimJob())
        #expect(try store.requestCancel(job.id)?.isCancelRequested == true)
        let ended = try store.endJob(
            job.id, as: .succeeded(JobOutcome(resultJSON: "{}", adapter: Sample.adapter())), progress: .none,
            revision: 0)
        #expect(ended.state == .cancelled)
        #expect(ended.resultJSON == nil)
        #expect(try store.adapters(of: id).isEmpty)
        try expectNothingAstray(store, folder.path)
    }

    @Test func ofADeletedTaskDoesNotRise() throws {
        let id = try store.createTask(Sample.task()).task.id
        let job = try #require(try store.claimJob())
        _ = try store.deleteTask(id)
        #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
            try store.endJob(
                job.id, as: .succeeded(JobOutcome(resultJSON: "{}", adapter: Sample.adapter())), progress: .none,
                revision: 0)
        }
        #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
            try store.saveCheckpoint(.bytes([1]), of: job.id)
        }
        try expectNothingAstray(store, folder.path)
        #expect(files(below: folder.file("tasks")).isEmpty)
    }
}
