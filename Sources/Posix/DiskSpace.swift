import CPosix
import Glibc

package enum DiskSpace {
    /// Bytes that this user may still write on the file system that holds `path`; nil when it cannot be told.
    package static func free(_ path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? .max : Int(clamping: bytes)
    }

    /// Whether the file system that holds `path` is memory by another name, tmpfs or ramfs.
    package static func isMemory(_ path: String) -> Bool { cposix_is_memory(path) != 0 }
}
