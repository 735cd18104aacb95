import Foundation
import Glibc
import Storage
import TestSupport
import Testing

@Suite struct OpeningTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func makesAPrivateFolder() throws {
        let path = folder.file("a/b/data")
        let store = try SQLiteStore(directory: path)
        for name in ["", "/tasks", "/images", "/staging", "/spool"] { #expect(mode(path + name) == 0o700) }
        for name in ["/gmiseg.sqlite", "/gmiseg.sqlite-wal", "/gmiseg.lock"] { #expect(mode(path + name) == 0o600) }
        #expect(store.spoolDirectory == path + "/spool")
    }

    @Test func closesAnEmptyFolderButNotASharedOne() throws {
        chmod(folder.path, 0o755)
        try SQLiteStore(directory: folder.path).close()
        #expect(mode(folder.path) == 0o700)
        chmod(folder.path, 0o750)
        try SQLiteStore(directory: folder.path).close()
        #expect(mode(folder.path) == 0o750)
    }

    @Test func findsEverythingAgain() throws {
        let first = try SQLiteStore(directory: folder.path)
        let (task, job) = try first.createTask(Sample.task(adapter: Sample.adapter()))
        let image = try first.saveImage(Sample.image())
        first.close()
        let second = try SQLiteStore(directory: folder.path)
        #expect(try second.task(task.id) == task)
        #expect(try second.job(try #require(job).id) == job)
        #expect(try second.image(image.id) == image)
        try expectNothingAstray(second, folder.path, images: [image.id])
    }

    @Test func movesWithItsFolder() throws {
        let (old, new) = (folder.file("old"), folder.file("new"))
        let first = try SQLiteStore(directory: old)
        let id = try first.createTask(Sample.task()).task.id
        first.close()
        try FileManager.default.moveItem(atPath: old, toPath: new)
        let second = try SQLiteStore(directory: new)
        #expect(try second.read(try second.support(of: id)[0].image) == Array("image 0".utf8))
    }

    @Test func refusesASecondStore() throws {
        let first = try SQLiteStore(directory: folder.path)
        #expect(throws: StoreError.folderInUse(path: folder.path, process: Int(getpid()))) {
            try SQLiteStore(directory: folder.path)
        }
        // The refusal must not have taken the first one's lock away.
        #expect(throws: StoreError.self) { try SQLiteStore(directory: folder.path) }
        first.close()
        _ = try SQLiteStore(directory: folder.path)
    }

    @Test func refusesAnotherProcess() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let id = try store.createTask(Sample.task()).task.id
        await #expect(processExitsWith: .success) { [path = folder.path as String, process = Int(getpid()) as Int] in
            #expect(throws: StoreError.folderInUse(path: path, process: process)) {
                try SQLiteStore(directory: path)
            }
        }
        #expect(try store.task(id) != nil)
        try expectNothingAstray(store, folder.path)
    }

    @Test func sweepsWhatNoRecordNames() throws {
        let first = try SQLiteStore(directory: folder.path)
        let id = try first.createTask(Sample.task()).task.id
        first.close()
        let litter = [
            "staging/staged_x/image_y", "spool/upload", "tasks/\(id)/adapter_half", "tasks/task_gone/image_z",
            "images/image_orphan",
        ]
        for name in litter {
            let url = URL(filePath: folder.file(name))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data([1]).write(to: url)
        }
        let second = try SQLiteStore(directory: folder.path)
        #expect(try second.task(id)?.supportCount == 2)
        try expectNothingAstray(second, folder.path)
    }

    @Test func refusesALaterSchemaAndTouchesNothing() throws {
        let first = try SQLiteStore(directory: folder.path)
        _ = try first.createTask(Sample.task())
        first.close()
        try tamper(folder.path, "INSERT INTO grdb_migrations VALUES ('9 federated learning')")
        try Data([1]).write(to: URL(filePath: folder.file("staging/theirs")))
        let database = folder.file("gmiseg.sqlite")
        #expect(throws: StoreError.newerSchema(path: database, found: ["9 federated learning"])) {
            try SQLiteStore(directory: folder.path)
        }
        #expect(FileManager.default.fileExists(atPath: folder.file("staging/theirs")))
    }

    @Test func refusesAnotherProgramsDatabase() throws {
        try tamper(folder.path, "CREATE TABLE recipes (name TEXT)")
        let database = folder.file("gmiseg.sqlite")
        #expect(throws: StoreError.foreignDatabase(path: database)) { try SQLiteStore(directory: folder.path) }
    }

    @Test func refusesAFileThatIsNoDatabase() throws {
        let database = folder.file("gmiseg.sqlite")
        try Data(repeating: 0x41, count: 8_192).write(to: URL(filePath: database))
        #expect { try SQLiteStore(directory: folder.path) } throws: { error in
            guard case .corrupted(let path, _) = error as? StoreError else { return false }
            return path == database
        }
        #expect(try Fixture.read(database) == Data(repeating: 0x41, count: 8_192))
    }

    @Test func refusesADamagedDatabase() throws {
        let first = try SQLiteStore(directory: folder.path)
        for _ in 0..<50 { _ = try first.createTask(Sample.task(examples: 1)) }
        first.close()
        let database = folder.file("gmiseg.sqlite")
        var bytes = try Fixture.read(database)
        for index in 8_192..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try bytes.write(to: URL(filePath: database))
        #expect { try SQLiteStore(directory: folder.path) } throws: { error in
            guard case .corrupted(let path, _) = error as? StoreError else { return false }
            return path == database
        }
    }

    @Test(arguments: [
        "UPDATE tasks SET labels = 'no JSON'", "UPDATE tasks SET spacing = '[1]'",
        "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'model TEXT NOT NULL', 'model TEXT') "
            + "WHERE name = 'tasks'",
    ])
    func unreadableValuesAreErrorsNotCrashes(_ sql: String) throws {
        let first = try SQLiteStore(directory: folder.path)
        let id = try first.createTask(Sample.task()).task.id
        first.close()
        try tamper(folder.path, sql)
        if sql.hasPrefix("PRAGMA") { try tamper(folder.path, "UPDATE tasks SET model = NULL") }
        let second = try SQLiteStore(directory: folder.path)
        #expect { try second.task(id) } throws: { error in
            guard case .corrupted = error as? StoreError else { return false }
            return true
        }
    }

    @Test func aRecordCannotLeadOutOfTheFolder() throws {
        let store = try SQLiteStore(directory: folder.path)
        for name in ["../secret", "/etc/passwd", "tasks/../../secret", "gmiseg.sqlite", "", "tasks//x"] {
            #expect { try store.read(StoredFile(name: name, byteCount: 1)) } throws: { error in
                guard case .corrupted = error as? StoreError else { return false }
                return true
            }
        }
    }

    @Test func refusesAFolderWhoseDatabaseIsGone() throws {
        let first = try SQLiteStore(directory: folder.path)
        _ = try first.createTask(Sample.task())
        first.close()
        let database = folder.file("gmiseg.sqlite")
        try FileManager.default.removeItem(atPath: database)
        let before = files(below: folder.file("tasks"))
        #expect(throws: StoreError.databaseMissing(path: database)) { try SQLiteStore(directory: folder.path) }
        #expect(files(below: folder.file("tasks")) == before)
    }

    /// A study may have folders of the same names: what is in them is not ours to clean up.
    @Test(arguments: ["staging", "spool", "images", "tasks"]) func leavesFoldersOfOthersAlone(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        try Data("a scan".utf8).write(to: URL(filePath: folder.file("\(name)/scan.png")))
        #expect(throws: StoreError.databaseMissing(path: folder.file("gmiseg.sqlite"))) {
            try SQLiteStore(directory: folder.path)
        }
        #expect(FileManager.default.contents(atPath: folder.file("\(name)/scan.png")) == Data("a scan".utf8))
    }

    @Test func refusesWhatCannotBeAFolder() throws {
        let file = try Fixture(in: folder, "a file")
        #expect(throws: StoreError.system(call: "mkdir", path: file.path, code: EEXIST)) {
            try SQLiteStore(directory: file.path)
        }
        #expect(throws: StoreError.self) { try SQLiteStore(directory: "/proc/gmiseg") }
    }

    @Test func closedStoreThrows() throws {
        let store = try SQLiteStore(directory: folder.path)
        store.close()
        #expect(throws: StoreError.self) { try store.tasks(limit: 1, after: nil) }
    }

    @Test func probeCounts() throws {
        let store = try SQLiteStore(directory: folder.path)
        _ = try store.createTask(Sample.task())
        _ = try store.createTask(Sample.task())
        _ = try store.claimJob()
        _ = try store.saveImage(Sample.image())
        let health = try store.probe()
        #expect(health.tasks == 2 && health.images == 1)
        #expect(health.jobs == [.queued: 1, .running: 1])
        #expect(health.freeBytes > 0)
        try expectNothingAstray(store, folder.path, images: ["img_0a"])
    }

    @Test func scratchDirectoriesComeAndGo() throws {
        let store = try SQLiteStore(directory: folder.path)
        let path = try store.makeScratchDirectory()
        try Data([1]).write(to: URL(filePath: path + "/adapter"))
        store.removeScratchDirectory(folder.file("tasks"))
        #expect(FileManager.default.fileExists(atPath: folder.file("tasks")))
        store.removeScratchDirectory(path)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func manyWritersAtOnce() throws {
        let (store, folder) = (try SQLiteStore(directory: folder.path), folder)
        DispatchQueue.concurrentPerform(iterations: 24) { number in
            #expect(throws: Never.self) {
                let id = try store.createTask(Sample.task(name: "\(number)")).task.id
                _ = try store.addSupport([Sample.example(9)], to: id, having: nil, job: nil)
                if number.isMultiple(of: 2) { _ = try store.deleteTask(id) }
                _ = try store.tasks(limit: 5, after: nil)
            }
        }
        let tasks = try store.tasks(limit: 100, after: nil)
        #expect(tasks.count == 12)
        #expect(tasks.allSatisfy { $0.supportCount == 3 })
        try expectNothingAstray(store, folder.path)
    }
}
