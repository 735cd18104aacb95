import Posix

/// What is left of what requests' bodies need; nil where that cannot be told.
package struct Resources: Sendable, Equatable {
    /// Bytes on the disk that takes uploads.
    package var disk: Int?
    /// Bytes of memory.
    package var memory: Int?

    package init(disk: Int?, memory: Int?) {
        self.disk = disk
        self.memory = memory
    }

    /// Of this machine, for uploads kept in `directory`.
    package static func now(_ directory: String) -> Resources {
        Resources(disk: DiskSpace.free(directory), memory: MemorySpace.free)
    }
}
