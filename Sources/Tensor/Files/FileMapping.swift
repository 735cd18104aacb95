import Glibc

/// A file mapped for reading, unmapped when the last user lets go.
///
/// The file must not be shortened while it is mapped: files are replaced by renaming.
final class FileMapping: @unchecked Sendable {
    struct Failure: Error {
        let call: String
        let path: String
        let code: Int32
    }

    // Invariant: the bytes are read only.
    /// All of the file; an empty one has no base address.
    let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    init(path: String) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(call: "fstat", path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(call: "open", path: path, code: EINVAL) }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            isMapped = true
            return
        }
        guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw Failure(call: "mmap", path: path, code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: base, count: count)
        isMapped = true
    }

    /// A file whose content is at hand, aligned as a mapping would be for every element type.
    init(copying content: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        copy.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(copy)
        isMapped = false
    }

    deinit {
        if !isMapped {
            bytes.deallocate()
        } else if let base = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
    }
}
