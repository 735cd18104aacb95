import Glibc

/// Who may do what with a file or folder (chmod(2)).
package struct FileMode: Sendable, Equatable, CustomStringConvertible {
    private let bits: UInt32

    package init(bits: UInt32) { self.bits = bits & 0o7777 }

    /// Nil when there is nothing at `path`.
    package static func of(_ path: String) -> FileMode? {
        var status = stat()
        return stat(path, &status) == 0 ? FileMode(bits: status.st_mode) : nil
    }

    /// Whether anybody but the owner may list, read, change or pass through it.
    package var othersMayEnter: Bool { bits & 0o077 != 0 }

    /// Octal: `0755`.
    package var description: String { "0" + String(bits & 0o777, radix: 8) }
}
