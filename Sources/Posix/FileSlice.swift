import Glibc

/// A range of an open file, for sending. The file stays readable when it is unlinked or replaced meanwhile.
package final class FileSlice: Sendable {
    private let descriptor: Descriptor
    private let path: String
    package let range: Range<Int>

    package var count: Int { range.count }

    /// - Parameter range: Byte offsets; nil for the whole file, and cut to what is there.
    package init(path: String, range: Range<Int>? = nil) throws(SystemCallError) {
        let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { throw .last("open", path) }
        let descriptor = Descriptor(owning: raw)
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw .last("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SystemCallError("open", code: EINVAL, subject: path) }
        let size = max(0, Int(status.st_size))
        self.range = (range ?? 0..<size).clamped(to: 0..<size)
        self.path = path
        self.descriptor = descriptor
    }

    /// At most `limit` bytes from `offset` within the slice on.
    package func bytes(at offset: Int, limit: Int) throws(SystemCallError) -> [UInt8] {
        let start = min(range.upperBound, range.lowerBound + max(0, offset))
        return try readBytes(descriptor.raw, start..<min(range.upperBound, start + max(0, limit)), path)
    }
}
