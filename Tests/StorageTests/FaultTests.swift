import Basics
import Glibc
import Storage
import TestSupport
import Testing

/// What goes wrong in the middle of a change is told, and leaves nothing behind.
@Suite struct FaultTests {
    @Test(arguments: [StoreStep.staged, .placed]) func aFullDiskLeavesNoHalfTask(_ step: StoreStep) throws {
        let folder = try TemporaryDirectory()
        let store = try SQLiteStore(directory: folder.path) { reached throws(StoreError) in
            if reached == step { throw .diskFull(path: "x") }
        }
        #expect(throws: StoreError.diskFull(path: "x")) { try store.createTask(Sample.task()) }
        #expect(throws: StoreError.diskFull(path: "x")) { try store.saveImage(Sample.image("img_1")) }
        #expect(try store.tasks(limit: 10, after: nil).isEmpty)
        #expect(try store.image("img_1") == nil)
        try expectNothingAstray(store, folder.path)
    }

    @Test(arguments: [StoreStep.staged, .placed]) func aFullDiskLeavesTheJobAndItsCheckpoint(_ step: StoreStep) throws {
        let (folder, armed) = (try TemporaryDirectory(), Flag())
        let store = try SQLiteStore(directory: folder.path) { reached throws(StoreError) in
            if reached == step, armed.isSet { throw .diskFull(path: "x") }
        }
        let id = try store.createTask(Sample.task()).task.id
        let job = try #require(try store.claimJob())
        let checkpoint = try store.saveCheckpoint(.bytes([1]), of: job.id)
        armed.set()
        #expect(throws: StoreError.diskFull(path: "x")) { try store.saveCheckpoint(.bytes([2]), of: job.id) }
        #expect(throws: StoreError.diskFull(path: "x")) {
            try store.endJob(
                job.id, as: .succeeded(JobOutcome(resultJSON: "{}", adapter: Sample.adapter())), progress: .none,
                revision: 0)
        }
        #expect(throws: StoreError.diskFull(path: "x")) {
            try store.addSupport([Sample.example(3)], to: id, having: nil, job: NewJob())
        }
        #expect(try store.job(job.id)?.state == .running)
        #expect(try store.job(job.id)?.checkpoint == checkpoint)
        #expect(try store.adapters(of: id).isEmpty)
        #expect(try store.task(id)?.supportCount == 2)
        try expectNothingAstray(store, folder.path)
    }

    /// What is deleted is deleted, though its file cannot be removed now; that is tried again.
    @Test func aFileThatCannotBeRemovedIsTriedAgain() throws {
        let folder = try TemporaryDirectory()
        let store = try SQLiteStore(directory: folder.path)
        let image = try store.saveImage(Sample.image("img_1"))
        let (images, aside) = (folder.file("images"), folder.file("aside"))
        // For as long as a file stands where the folder was, nothing in it can be removed.
        #expect(rename(images, aside) == 0)
        #expect(close(open(images, O_CREAT | O_WRONLY, 0o600)) == 0)
        #expect(try store.deleteImage("img_1", owner: nil) == [image.file.byteCount])
        #expect(try store.image("img_1") == nil)
        #expect(unlink(images) == 0 && rename(aside, images) == 0)
        #expect(!listDirectory(images).isEmpty)
        _ = try store.probe()
        #expect(listDirectory(images).isEmpty)
        try expectNothingAstray(store, folder.path)
    }

    /// The disk is written to once a second at most, however many ask whether it can be; what came of it holds until then.
    @Test func asksTheDiskOnceASecond() throws {
        let folder = try TemporaryDirectory()
        let time = Lock<Int64>(5_000)
        let store = try SQLiteStore(
            directory: folder.path, clock: WallClock { Timestamp(milliseconds: time.withLock { $0 }) })
        let (staging, aside) = (folder.file("staging"), folder.file("aside"))
        _ = try store.probe()
        #expect(rename(staging, aside) == 0)
        time.withLock { $0 = 5_999 }
        _ = try store.probe()
        time.withLock { $0 = 6_000 }
        #expect(throws: StoreError.self) { try store.probe() }
        #expect(rename(aside, staging) == 0)
        #expect(throws: StoreError.self) { try store.probe() }
        // Also after a clock was set back.
        time.withLock { $0 = 1_000 }
        _ = try store.probe()
    }

    /// The kernel refuses to let any file of the process grow past 256 KiB, as it refuses on a full disk.
    @Test func theKernelsRefusalIsADiskFull() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let store = try SQLiteStore(directory: path)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1 << 18, rlim_max: 1 << 18)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            var new = Sample.task()
            new.support[1].mask = .bytes([UInt8](repeating: 7, count: 1 << 20))
            do throws(StoreError) {
                _ = try store.createTask(new)
                Issue.record("a megabyte fitted into a quarter")
            } catch {
                guard case .diskFull = error else { throw error }
            }
            try expectNothingAstray(store, path)
            _ = try store.createTask(Sample.task())
            try expectNothingAstray(store, path)
        }
    }

    @Test(arguments: [
        (ENOSPC, StoreError.diskFull(path: "p")), (EDQUOT, .diskFull(path: "p")), (EFBIG, .diskFull(path: "p")),
        (EROFS, .notWritable(path: "p", code: EROFS)), (EACCES, .notWritable(path: "p", code: EACCES)),
        (EIO, .system(call: "write", path: "p", code: EIO)),
    ])
    func systemErrorsAreToldByWhatTheyMean(_ code: CInt, _ expected: StoreError) {
        #expect(StoreError(call: "write", path: "p", code: code) == expected)
    }

    @Test func everyErrorSaysCauseAndFix() {
        let errors: [StoreError] = [
            .folderInUse(path: "/d", process: 42), .folderInUse(path: "/d", process: nil),
            .notWritable(path: "/d", code: EACCES), .diskFull(path: "/d"), .corrupted(path: "/d", detail: "x"),
            .databaseMissing(path: "/d"), .newerSchema(path: "/d", found: ["9"]), .foreignDatabase(path: "/d"),
            .unknown(kind: "task", id: "t"), .missingFile(name: "f"), .invalidIdentifier("\0"),
            .system(call: "fsync", path: "/d", code: EIO), .database(code: 5, detail: "x"),
        ]
        for error in errors {
            #expect(error.cause.hasSuffix(".") && error.cause.count > 10)
            #expect(error.fix.hasSuffix(".") && error.fix.count > 10)
        }
        #expect(StoreError.folderInUse(path: "/d", process: 42).cause.contains("42"))
    }
}
