import API
import Basics
import Dispatch
import Foundation
import Storage

/// Standard error as a file of JSON objects, one a line, written off the threads that have something to say.
final class LogLines: Sendable {
    static let standardError = LogLines()

    private let queue = DispatchQueue(label: "gmiseg.log")
    /// Lines that wait to be written: under load many go with one system call.
    private let pending = Lock<[UInt8]>([])

    func write(_ members: [JSON.Member]) {
        let line: JSON = .object([.init("time", .string(WallClock.system.now().rfc3339))] + members)
        let bytes = line.encoded() + [UInt8(ascii: "\n")]
        let isFirst = pending.withLock { pending in
            defer { pending += bytes }
            return pending.isEmpty
        }
        if isFirst { queue.async { @Sendable [self] in writePending() } }
    }

    private func writePending() {
        let bytes = pending.withLock { pending in
            defer { pending = [] }
            return pending
        }
        if !bytes.isEmpty { FileHandle.standardError.write(Data(bytes)) }
    }

    /// Returns once all lines so far are written.
    func flush() { queue.sync { writePending() } }
}
