import Glibc
import Posix
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func spoolFilesGoWithTheirValue() throws {
        let directory = try TemporaryDirectory()
        var path = ""
        do {
            let file = try SpoolFile(in: directory.path)
            path = file.path
            try file.append([1, 2].span)
            let nothing: [UInt8] = []
            try file.append(nothing.span)
            try file.append([3].span)
            #expect(file.count == 3)
            #expect(try file.bytes() == [1, 2, 3])
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test func movedSpoolFilesStay() throws {
        let directory = try TemporaryDirectory()
        let destination = directory.file("kept")
        do {
            let file = try SpoolFile(in: directory.path)
            try file.append([7].span)
            try file.move(to: destination)
            #expect(access(file.path, F_OK) != 0)
            #expect(try file.bytes() == [7])
        }
        #expect(try FileSlice(path: destination).bytes(at: 0, limit: 9) == [7])
    }

    /// Descriptors of this process that are open on `path`.
    private func descriptors(on path: String) -> Int {
        (0..<65_536).count { raw in
            var name = [CChar](repeating: 0, count: 4_096)
            let length = readlink("/proc/self/fd/\(raw)", &name, name.count - 1)
            return length > 0 && String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) == path
        }
    }

    @Test func sealedSpoolFilesHoldNoDescriptor() throws {
        let directory = try TemporaryDirectory()
        let file = try SpoolFile(in: directory.path)
        try file.append([1, 2].span)
        let path = try #require(realpath(file.path, nil))
        defer { free(path) }
        #expect(descriptors(on: String(cString: path)) == 1)
        file.seal()
        #expect(descriptors(on: String(cString: path)) == 0)
        #expect(try file.bytes() == [1, 2] && file.count == 2)
        try file.move(to: directory.file("kept"))
        #expect(try file.bytes() == [1, 2])
    }

    @Test func leftoversAreRemoved() throws {
        let directory = try TemporaryDirectory()
        try writeFile(directory.file("spool-upload_x"), [1].span)
        try writeFile(directory.file("other"), [1].span)
        SpoolFile.removeLeftovers(in: directory.path)
        #expect(access(directory.file("spool-upload_x"), F_OK) != 0)
        #expect(access(directory.file("other"), F_OK) == 0)
    }

    @Test func errorsNameTheCallAndTheFile() {
        let error = #expect(throws: SystemCallError.self) { try SpoolFile(in: "/nonexistent") }
        #expect(
            error?.call == "open" && error?.code == ENOENT && error?.subject?.hasPrefix("/nonexistent/spool-") == true)
        #expect(throws: SystemCallError.self) { try FileSlice(path: "/nonexistent") }
        #expect(throws: SystemCallError.self) { try FileSlice(path: "/tmp") }
    }

    @Test(.enabled(if: access("/dev/full", W_OK) == 0, "this system has no /dev/full"))
    func aFullDiskIsKnown() {
        let error = #expect(throws: SystemCallError.self) { try writeFile("/dev/full", [1].span) }
        #expect(error?.isOutOfSpace == true)
    }

    @Test func slices() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("digits")
        try writeFile(path, Array(0..<10).span)
        let whole = try FileSlice(path: path)
        #expect(whole.count == 10)
        #expect(try whole.bytes(at: 8, limit: 5) == [8, 9])
        #expect(try whole.bytes(at: 10, limit: 5).isEmpty)
        #expect(try whole.bytes(at: .max / 2, limit: .max / 2).isEmpty)
        let middle = try FileSlice(path: path, range: 3..<7)
        #expect(try middle.bytes(at: 0, limit: 99) == [3, 4, 5, 6])
        #expect(try middle.bytes(at: 2, limit: 1) == [5])
        #expect(try FileSlice(path: path, range: 8..<99).count == 2)
        unlink(path)
        #expect(try whole.bytes(at: 0, limit: 1) == [0])
    }

    @Test func monotonicTime() {
        let time = MonotonicTime(nanoseconds: 1_000)
        #expect(time + .nanoseconds(5) == MonotonicTime(nanoseconds: 1_005))
        #expect(time + .seconds(-5) == time)
        #expect((time + .seconds(Int64.max)) > time)
        #expect(MonotonicTime(nanoseconds: 5).since(time) == .zero)
        #expect((time + .seconds(2)).since(time) == .seconds(2))
        #expect(MonotonicTime(nanoseconds: .max) + .seconds(1) == MonotonicTime(nanoseconds: .max))
        #expect(MonotonicTime.now <= MonotonicTime.now)
    }
}
