import Glibc

/// Standard output or standard error, for words that nothing depends on.
///
/// What cannot be written, as the disk is full or its reader is gone, is left out. (Foundation's `FileHandle.write` ends the process
/// then, and `print` may keep a line from a script that waits for it.)
enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// How long a stream that takes nothing now is waited for, in milliseconds.
    private static let patience: Int32 = 1000

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                var stream = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                guard poll(&stream, 1, Self.patience) > 0 else { return }
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }
}
