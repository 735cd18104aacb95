import Glibc

/// Names in a directory, but `.` and `..`.
package func listDirectory(_ path: String) -> [String] {
    guard let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                String(cString: $0)
            }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Blocks the thread, for tests that wait for another one.
package func pause(milliseconds: UInt32) { usleep(milliseconds * 1_000) }

/// Removes an empty directory.
package func removeDirectory(_ path: String) { _ = rmdir(path) }
