import GRDB
import Storage
import TestSupport
import Testing

@Suite struct TaskTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path, clock: SteppingClock().clock)
    }

    @Test func comesBackAsItWasCreated() throws {
        let (task, job) = try store.createTask(Sample.task())
        #expect(task.id.hasPrefix("task_"))
        #expect(task.name == "heart")
        #expect(task.owner == "ward 3")
        #expect(task.labels == [Label(value: 1, name: "left ventricle"), Label(value: 2, name: "Herzmuskel")])
        #expect(task.spacing == PixelSpacing(x: 1.25, y: 1.5))
        #expect(task.model == "gmiseg-mini")
        #expect(task.settingsJSON == #"{"kind":"decoder"}"#)
        #expect(task.created == Timestamp(milliseconds: 1_000))
        #expect(task.supportCount == 2)
        #expect(task.servedAdapter == nil)
        #expect(task.state == .queued)
        #expect(task.latestJob == job?.id)
        #expect(try store.task(task.id) == task)

        let support = try store.support(of: task.id)
        #expect(support.map(\.index) == [0, 1])
        #expect(support.map(\.stem) == ["slice 0", "slice 1"])
        #expect(support.map(\.imageHash) == ["i0", "i1"])
        #expect(support.map(\.maskHash) == ["m0", "m1"])
        #expect(support.map(\.width) == [64, 65])
        #expect(support.map(\.height) == [48, 48])
        #expect(try store.read(support[1].image) == Array("image 1".utf8))
        #expect(try store.read(support[1].mask) == Array("mask 1 ".utf8))
        try expectNothingAstray(store, folder.path)
    }

    @Test func withoutJobIsReadyAtOnce() throws {
        let (task, job) = try store.createTask(Sample.task(examples: 0, job: nil))
        #expect(job == nil)
        #expect(task.state == .ready)
        #expect(task.supportCount == 0)
    }

    @Test func servesAnImportedAdapter() throws {
        let (task, _) = try store.createTask(Sample.task(examples: 0, job: nil, adapter: Sample.adapter()))
        #expect(task.servedAdapter == 1)
        let adapter = try #require(try store.adapter(of: task.id, version: nil))
        #expect(adapter.version == 1)
        #expect(try store.read(adapter.file) == Array("weights".utf8))
    }

    @Test func linksFilesAndLeavesTheirSources() throws {
        let source = try Fixture(in: folder, "spooled bytes")
        var example = Sample.example(0)
        example.image = .file(path: source.path)
        var new = Sample.task(examples: 0)
        new.support = [example]
        let (task, _) = try store.createTask(new)
        #expect(source.text == "spooled bytes")
        source.remove()
        let kept = try store.support(of: task.id)[0].image
        #expect(try store.read(kept) == Array("spooled bytes".utf8))
    }

    @Test func copiesWhatASymbolicLinkMeans() throws {
        let source = try Fixture(in: folder, "behind a link")
        let link = try source.symbolicLink()
        var example = Sample.example(0)
        example.mask = .file(path: link)
        var new = Sample.task(examples: 0)
        new.support = [example]
        let (task, _) = try store.createTask(new)
        source.remove()
        #expect(try store.read(try store.support(of: task.id)[0].mask) == Array("behind a link".utf8))
    }

    @Test func isNotCreatedWhenAFileIsMissing() throws {
        var new = Sample.task()
        new.support[1].mask = .file(path: "/nowhere/mask.png")
        #expect(throws: StoreError.missingFile(name: "/nowhere/mask.png")) { try store.createTask(new) }
        #expect(try store.tasks(limit: 10, after: nil).isEmpty)
        #expect(try store.jobs(task: nil, limit: 10, after: nil).isEmpty)
        try expectNothingAstray(store, folder.path)
    }

    @Test func listsNewestFirstInPages() throws {
        let ids = try (0..<5).map { try store.createTask(Sample.task(name: "\($0)", examples: 0)).task.id }
        let first = try store.tasks(limit: 2, after: nil)
        #expect(first.map(\.id) == [ids[4], ids[3]])
        let second = try store.tasks(limit: 2, after: first[1].id)
        #expect(second.map(\.id) == [ids[2], ids[1]])
        #expect(try store.tasks(limit: 2, after: second[1].id).map(\.id) == [ids[0]])
        #expect(try store.tasks(limit: 2, after: "task_unknown").isEmpty)
        #expect(try store.tasks(limit: -1, after: nil).isEmpty)
    }

    @Test func takesMoreSupport() throws {
        let (task, first) = try store.createTask(Sample.task())
        let (after, second) = try store.addSupport(
            [Sample.example(7)], to: task.id, having: nil, job: NewJob(kind: "adapt"))
        #expect(after.supportCount == 3)
        #expect(after.latestJob == second?.id)
        #expect(second?.id != first?.id)
        #expect(try store.support(of: task.id).map(\.stem) == ["slice 0", "slice 1", "slice 7"])
        try expectNothingAstray(store, folder.path)
        #expect(throws: StoreError.unknown(kind: "task", id: "task_x")) {
            try store.addSupport([Sample.example(0)], to: "task_x", having: nil, job: nil)
        }
    }

    /// Of two who have seen the same support set, the second is too late.
    @Test func takesMoreSupportOnlyToWhatWasSeen() throws {
        let (task, _) = try store.createTask(Sample.task())
        _ = try store.addSupport([Sample.example(7)], to: task.id, having: 2, job: nil)
        #expect(throws: StoreError.supportChanged(task: task.id)) {
            try store.addSupport([Sample.example(7)], to: task.id, having: 2, job: NewJob(kind: "adapt"))
        }
        #expect(try store.support(of: task.id).map(\.stem) == ["slice 0", "slice 1", "slice 7"])
        #expect(try store.task(task.id)?.latestJob == task.latestJob)
        try expectNothingAstray(store, folder.path)
    }

    @Test func goesWithAllThatIsKeptForIt() throws {
        let (other, _) = try store.createTask(Sample.task(name: "kept"))
        let (task, job) = try store.createTask(Sample.task(adapter: Sample.adapter()))
        let image = try store.support(of: task.id)[0].image
        let deletion = try #require(try store.deleteTask(task.id))
        #expect(deletion.task == task.id)
        #expect(deletion.jobs == [try #require(job).id])
        #expect(deletion.fileCount == 5)
        #expect(deletion.byteCount == "image 0image 1mask 0 mask 1 weights".utf8.count)
        #expect(try store.task(task.id) == nil)
        #expect(try store.support(of: task.id).isEmpty)
        #expect(try store.adapters(of: task.id).isEmpty)
        #expect(try store.job(try #require(job).id) == nil)
        #expect(throws: StoreError.missingFile(name: image.name)) { try store.localPath(image) }
        #expect(throws: StoreError.missingFile(name: image.name)) { try store.read(image) }
        #expect(try store.tasks(limit: 10, after: nil).map(\.id) == [other.id])
        #expect(try store.deleteTask(task.id) == nil)
        try expectNothingAstray(store, folder.path)
    }

    /// Whoever lists what has expired, and then deletes one after the other, takes no task away to which somebody has added in between.
    @Test func staysWhenItHasNotExpired() throws {
        let (task, first) = try store.createTask(Sample.task())
        let limit = Timestamp(milliseconds: 10_000)
        func end(_ job: Job?) throws {
            #expect(try store.claimJob()?.id == job?.id)
            _ = try store.endJob(
                try #require(job).id, as: .succeeded(.init(resultJSON: "{}")), progress: .none, revision: 0)
        }
        try end(first)
        #expect(try store.expired(before: limit).tasks == [task.id])
        let (_, second) = try store.addSupport([Sample.example(7)], to: task.id, having: nil, job: NewJob())
        #expect(try store.deleteTask(task.id, ifExpiredBefore: limit) == nil)
        _ = try store.claimJob()
        #expect(try store.deleteTask(task.id, ifExpiredBefore: limit) == nil)
        _ = try store.endJob(try #require(second).id, as: .cancelled, progress: .none, revision: 0)
        #expect(try store.deleteTask(task.id, ifExpiredBefore: task.created) == nil)
        #expect(try store.support(of: task.id).count == 3)
        #expect(try store.deleteTask(task.id, ifExpiredBefore: limit)?.task == task.id)
        #expect(try store.task(task.id) == nil)
    }

    @Test func leavesNoWordBehind() throws {
        let (task, _) = try store.createTask(Sample.task(name: "Xanthippe-Zwiebelkuchen"))
        #expect(try databaseBytes().contains("Xanthippe-Zwiebelkuchen"))
        _ = try store.deleteTask(task.id)
        #expect(try !databaseBytes().contains("Xanthippe-Zwiebelkuchen"))
    }

    /// A reader keeps the log as it is; the next change after it empties the log.
    @Test func leavesNoWordBehindThatAReaderHeldUp() throws {
        let word = "Xanthippe-Zwiebelkuchen"
        let (task, _) = try store.createTask(Sample.task(name: word))
        let reader = try DatabaseQueue(path: folder.file("gmiseg.sqlite"))
        try reader.read { database in
            #expect(try String.fetchOne(database, sql: "SELECT name FROM tasks") == word)
            _ = try store.deleteTask(task.id)
            #expect(try databaseBytes().contains(word))
        }
        _ = try store.probe()
        #expect(try !databaseBytes().contains(word))
    }

    private func databaseBytes() throws -> String {
        try ["gmiseg.sqlite", "gmiseg.sqlite-wal"].map { name in
            String(decoding: try Fixture.read(folder.file(name)), as: UTF8.self)
        }.joined()
    }

    @Test(arguments: JobState.allCases) func stateFollowsTheLatestJob(_ state: JobState) throws {
        let (task, job) = try store.createTask(Sample.task(examples: 0))
        let id = try #require(job).id
        let ending: JobEnding? =
            switch state {
            case .queued, .running: nil
            case .succeeded: .succeeded(JobOutcome(resultJSON: "{}"))
            case .failed: .failed(JobFailure(code: "diverged", message: "The loss is not a number."))
            case .cancelled: .cancelled
            }
        if state != .queued { _ = try store.claimJob() }
        if let ending { _ = try store.endJob(id, as: ending, progress: .none, revision: 0) }
        let expected: TaskState =
            switch state {
            case .queued: .queued
            case .running: .adapting
            case .succeeded: .ready
            case .failed: .failed
            case .cancelled: .cancelled
            }
        #expect(try store.task(task.id)?.state == expected)
        #expect(try store.job(id)?.state == state)
    }
}
