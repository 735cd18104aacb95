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

/// Copies a small file, replacing what is there.
package func copyFile(_ source: String, to destination: String) throws {
    let input = open(source, O_RDONLY)
    let output = open(destination, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard input >= 0, output >= 0 else { throw LoopbackClient.Failure(description: "cannot copy \(source)") }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(input, &buffer, buffer.count), count > 0 { _ = write(output, buffer, count) }
    close(input)
    close(output)
}
