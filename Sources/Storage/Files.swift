import Foundation
import Glibc

/// The few file operations the store stands on, each complete or a `StoreError`.
enum Files {
    /// A directory for this user alone; fine when it is there already.
    static func makeDirectory(_ path: String) throws(StoreError) {
        guard mkdir(path, 0o700) != 0 else { return }
        let code = errno
        guard code == EEXIST, isDirectory(path) else { throw StoreError(call: "mkdir", path: path, code: code) }
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The size of a regular file in bytes; nil when there is none at `path`.
    static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Puts `content` into a new file that is on the disk when this returns. Returns the file's size in bytes.
    static func write(_ content: FileContent, to path: String) throws(StoreError) -> Int {
        do throws(StoreError) {
            switch content {
            case .bytes(let bytes):
                try create(path) { (file) throws(StoreError) in
                    try writeAll(bytes.span.bytes, to: file, path)
                }
            case .file(let source):
                if !linked(source, to: path) { try copy(source, to: path) }
                try sync(path)
            }
        } catch {
            unlink(path)
            throw error
        }
        guard let size = size(path) else { throw .missingFile(name: path) }
        return size
    }

    /// All bytes of a file; `.missingFile` under `name` when there is none.
    static func read(_ path: String, name: String) throws(StoreError) -> [UInt8] {
        let file = try opened(path, O_RDONLY | O_CLOEXEC, missing: name)
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw StoreError(call: "fstat", path: path, code: errno) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(clamping: status.st_size))
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try readSome(file, &chunk, path)
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Waits until the file, or the directory's list of names, is on the disk.
    static func sync(_ path: String) throws(StoreError) {
        let file = try opened(path, O_RDONLY | O_CLOEXEC, missing: path)
        defer { close(file) }
        guard fsync(file) == 0 else { throw StoreError(call: "fsync", path: path, code: errno) }
    }

    static func rename(_ old: String, to new: String) throws(StoreError) {
        guard Glibc.rename(old, new) == 0 else { throw StoreError(call: "rename", path: new, code: errno) }
    }

    /// Removes a file; fine when it is gone already.
    static func remove(_ path: String) throws(StoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw StoreError(call: "unlink", path: path, code: errno) }
    }

    /// Removes a directory with all it holds; fine when it is gone already.
    static func removeTree(_ path: String) throws(StoreError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            var status = stat()
            if lstat(path, &status) != 0, errno == ENOENT { return }
            throw StoreError(call: "remove", path: path, code: errorNumber(error))
        }
    }

    /// The names in a directory, without `.` and `..`, in no order.
    static func names(in directory: String) throws(StoreError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw StoreError(call: "readdir", path: directory, code: errorNumber(error))
        }
    }

    /// Bytes of the file system that this user may still fill.
    static func freeBytes(_ path: String) throws(StoreError) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw StoreError(call: "statvfs", path: path, code: errno) }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int(clamping: bytes)
    }

    /// False when a link cannot be made (another file system, a file system without links, a symbolic link) and copying
    /// must be tried.
    private static func linked(_ source: String, to path: String) -> Bool {
        var status = stat()
        guard lstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return link(source, path) == 0
    }

    private static func copy(_ source: String, to path: String) throws(StoreError) {
        let input = try opened(source, O_RDONLY | O_CLOEXEC, missing: source)
        defer { close(input) }
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        try create(path) { (output) throws(StoreError) in
            while true {
                let count = try readSome(input, &chunk, source)
                if count == 0 { return }
                try writeAll(chunk.span.bytes.extracting(..<count), to: output, path)
            }
        }
    }

    /// Opens a new file, runs `body` on it, and waits until what it wrote is on the disk.
    private static func create(_ path: String, _ body: (CInt) throws(StoreError) -> Void) throws(StoreError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StoreError(call: "open", path: path, code: errno) }
        defer { close(file) }
        try body(file)
        guard fsync(file) == 0 else { throw StoreError(call: "fsync", path: path, code: errno) }
    }

    private static func opened(_ path: String, _ flags: CInt, missing name: String) throws(StoreError) -> CInt {
        let file = open(path, flags)
        if file >= 0 { return file }
        let code = errno
        throw code == ENOENT ? .missingFile(name: name) : StoreError(call: "open", path: path, code: code)
    }

    private static func writeAll(_ bytes: RawSpan, to file: CInt, _ path: String) throws(StoreError) {
        var written = 0
        while written < bytes.byteCount {
            let count = bytes.extracting(written...).withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 {
                let code = errno
                if code == EINTR { continue }
                throw StoreError(call: "write", path: path, code: code)
            }
            written += count
        }
    }

    /// Fills the front of `chunk`; 0 at the end of the file.
    private static func readSome(_ file: CInt, _ chunk: inout [UInt8], _ path: String) throws(StoreError) -> Int {
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw StoreError(call: "read", path: path, code: code) }
        }
    }

    private static func errorNumber(_ error: any Error) -> CInt {
        let underlying = (error as? CocoaError)?.underlying ?? error
        return (underlying as? POSIXError)?.code.rawValue ?? EIO
    }
}
