package import Posix

/// Bytes that a client sent: in memory when few, else in a spool file that goes when the last copy of the value goes.
package enum Content: Sendable {
    case memory([UInt8])
    case file(SpoolFile)

    package var count: Int {
        switch self {
        case .memory(let bytes): bytes.count
        case .file(let file): file.count
        }
    }

    /// All of it, in memory.
    package func bytes() throws(SystemCallError) -> [UInt8] {
        switch self {
        case .memory(let bytes): bytes
        case .file(let file): try file.bytes()
        }
    }

    /// Makes it a permanent file at `path`, replacing what is there, without a copy where the file system allows.
    package func move(to path: String) throws(SystemCallError) {
        switch self {
        case .memory(let bytes): try writeFile(path, bytes.span)
        case .file(let file): try file.move(to: path)
        }
    }
}
