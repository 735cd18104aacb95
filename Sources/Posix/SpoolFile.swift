import Basics
import Glibc

/// A temporary file in a given directory, removed when the last reference goes: unless it was moved away.
package final class SpoolFile: Sendable {
    /// The prefix of every spool file's name, by which leftovers of a killed process are known.
    package static let namePrefix = "spool-"

    package let path: String
    private struct State {
        /// The open descriptor; nil once the file is sealed.
        var raw: CInt?
        var count = 0
        /// Where the file is now.
        var place: String
        var isLinked = true
    }
    private let state: Lock<State>

    /// Makes an empty file that only this user may read.
    package init(in directory: String) throws(SystemCallError) {
        let path = directory + "/" + Self.namePrefix + Identifier.make("upload")
        let raw = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard raw >= 0 else { throw .last("open", path) }
        self.path = path
        state = Lock(State(raw: raw, place: path))
    }

    deinit {
        state.withLock { state in
            if let raw = state.raw { _ = Glibc.close(raw) }
            if state.isLinked { _ = unlink(path) }
        }
    }

    /// Removes what a killed process left in `directory`; called before the server starts, and by nobody while it runs.
    package static func removeLeftovers(in directory: String) {
        guard let stream = opendir(directory) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name.hasPrefix(namePrefix) { _ = unlink(directory + "/" + name) }
        }
    }

    /// Bytes written so far.
    package var count: Int { state.withLock { $0.count } }

    package func append(_ bytes: Span<UInt8>) throws(SystemCallError) {
        // The lock orders appends; it is held over a write to a file, which is short and has no callbacks.
        let failure = bytes.withUnsafeBytes { bytes in
            state.withLock { state -> SystemCallError? in
                guard let raw = state.raw else { preconditionFailure("append to a sealed file") }
                let failure = writeAll(raw, bytes, at: state.count, path)
                if failure == nil { state.count += bytes.count }
                return failure
            }
        }
        if let failure { throw failure }
    }

    /// Nothing more will be appended: closes the file, so that a request of many parts does not hold a descriptor for each.
    package func seal() {
        state.withLock { state in
            if let raw = state.raw { _ = Glibc.close(raw) }
            state.raw = nil
        }
    }

    /// The whole content.
    package func bytes() throws(SystemCallError) -> [UInt8] {
        let (raw, count, place) = state.withLock { ($0.raw, $0.count, $0.place) }
        if let raw { return try readBytes(raw, 0..<count, place) }
        let again = Glibc.open(place, O_RDONLY | O_CLOEXEC)
        guard again >= 0 else { throw .last("open", place) }
        defer { _ = Glibc.close(again) }
        return try readBytes(again, 0..<count, place)
    }

    /// Makes the file a permanent one at `destination`, replacing what is there; copies when that is on another file system.
    /// The content stays readable here.
    package func move(to destination: String) throws(SystemCallError) {
        if rename(path, destination) == 0 {
            state.withLock { ($0.isLinked, $0.place) = (false, destination) }
            return
        }
        guard errno == EXDEV else { throw .last("rename", destination) }
        let content = try bytes()
        try writeFile(destination, content.span)
    }
}

/// Writes `bytes` to a file at `path`, readable by this user only, replacing what is there.
///
/// - Parameter isDurable: Whether it is to survive a power cut from the return of this call on.
package func writeFile(_ path: String, _ bytes: Span<UInt8>, isDurable: Bool = false) throws(SystemCallError) {
    let raw = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard raw >= 0 else { throw .last("open", path) }
    var failure = bytes.withUnsafeBytes { writeAll(raw, $0, at: 0, path) }
    if failure == nil, isDurable, fsync(raw) != 0 { failure = .last("fsync", path) }
    _ = Glibc.close(raw)
    if let failure { throw failure }
}

/// Makes what was created or renamed in a folder survive a power cut.
package func syncFolder(_ path: String) throws(SystemCallError) {
    let raw = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { throw .last("open", path) }
    let failure: SystemCallError? = fsync(raw) == 0 ? nil : .last("fsync", path)
    _ = Glibc.close(raw)
    if let failure { throw failure }
}

/// Writes all of `bytes` at `offset`; nil when that went well.
private func writeAll(_ raw: CInt, _ bytes: UnsafeRawBufferPointer, at offset: Int, _ path: String) -> SystemCallError?
{
    var done = 0
    while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        guard let written = retrying({ pwrite(raw, rest.baseAddress, rest.count, off_t(offset + done)) }) else {
            return .last("write", path)
        }
        done += written
    }
    return nil
}

/// Reads `range` of an open file. A file that is shorter by now gives fewer bytes.
func readBytes(_ raw: CInt, _ range: Range<Int>, _ path: String) throws(SystemCallError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
        while count < range.count {
            let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...]))
            let offset = off_t(range.lowerBound + count)
            guard let read = retrying({ pread(raw, rest.baseAddress, rest.count, offset) }) else {
                code = errno
                return
            }
            if read == 0 { return }
            count += read
        }
    }
    guard code == 0 else { throw SystemCallError("read", code: code, subject: path) }
    return bytes
}
