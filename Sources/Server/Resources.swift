import Posix

/// What is left of what requests' bodies need; nil where that cannot be told.
package struct Resources: Sendable, Equatable {
    /// Bytes on the disk that takes uploads.
    package var disk: Int?
    /// Bytes of memory.
    package var memory: Int?
    /// What is written to that disk is taken from memory as well.
    package var diskIsMemory: Bool

    package init(disk: Int?, memory: Int?, diskIsMemory: Bool = false) {
        self.disk = diskIsMemory ? [disk, memory].compactMap(\.self).min() : disk
        self.memory = memory
        self.diskIsMemory = diskIsMemory
    }

    /// Of this machine, for uploads kept in `directory`.
    package static func now(_ directory: String) -> Resources {
        Resources(
            disk: DiskSpace.free(directory), memory: MemorySpace.free, diskIsMemory: DiskSpace.isMemory(directory))
    }
}
