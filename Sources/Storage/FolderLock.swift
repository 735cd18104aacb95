import Glibc

/// The exclusive claim of one process on a data folder; gone with the value, and with the process however it ends.
final class FolderLock: Sendable {
    private let file: CInt

    init(_ layout: DataFolder.Layout) throws(StoreError) {
        let path = layout.lock
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StoreError(call: "open", path: path, code: errno) }
        do throws(StoreError) {
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                let code = errno
                throw code == EWOULDBLOCK
                    ? .folderInUse(path: layout.root, process: Self.holder(file))
                    : StoreError(call: "flock", path: path, code: code)
            }
            // For the other side's error message only; the lock is what counts.
            let text = Array("\(getpid())\n".utf8)
            guard ftruncate(file, 0) == 0, pwrite(file, text, text.count, 0) == text.count else {
                throw StoreError(call: "write", path: path, code: errno)
            }
        } catch {
            close(file)
            throw error
        }
    }

    deinit {
        // Closing alone would leave the claim with a child process that is about to start: it shares the open file until then.
        flock(file, LOCK_UN)
        close(file)
    }

    private static func holder(_ file: CInt) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(file, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count], as: UTF8.self).prefix { $0.isNumber })
    }
}
