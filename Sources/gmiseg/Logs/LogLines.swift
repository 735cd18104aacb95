import API
import Basics
import Dispatch
import Storage

/// Standard error as a file of JSON objects, one a line, written off the threads that have something to say.
final class LogLines: Sendable {
    static let standardError = LogLines()

    /// What may wait to be written; further lines are counted and left out, so that a reader that stalls takes no memory.
    private static let room = 4 << 20

    private struct Pending {
        var bytes: [UInt8] = []
        var leftOut = 0
    }

    private let queue = DispatchQueue(label: "gmiseg.log")
    /// Lines that wait to be written: under load many go with one system call.
    private let pending = Lock(Pending())

    func write(_ members: [JSON.Member]) {
        let bytes = Self.line(members)
        let isFirst = pending.withLock { pending in
            guard pending.bytes.count + bytes.count <= Self.room else {
                pending.leftOut += 1
                return false
            }
            defer { pending.bytes += bytes }
            return pending.bytes.isEmpty
        }
        if isFirst { queue.async { @Sendable [self] in writePending() } }
    }

    private static func line(_ members: [JSON.Member]) -> [UInt8] {
        let line: JSON = .object([.init("time", .string(WallClock.system.now().rfc3339))] + members)
        return line.encoded() + [UInt8(ascii: "\n")]
    }

    private func writePending() {
        var taken = pending.withLock { pending in
            defer { pending = Pending() }
            return pending
        }
        if taken.leftOut > 0 {
            taken.bytes += Self.line([
                .init("level", "warning"), .init("label", "gmiseg.log"),
                .init("message", .string("\(taken.leftOut) lines were left out, as nobody took them")),
            ])
        }
        if !taken.bytes.isEmpty { StandardStream.error.write(taken.bytes) }
    }

    /// Returns once all lines so far are written.
    func flush() { queue.sync { writePending() } }
}
