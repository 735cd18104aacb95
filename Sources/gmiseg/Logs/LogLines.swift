import API
import Dispatch
import Foundation
import Storage

/// Standard error as a file of JSON objects, one a line, written off the threads that have something to say.
final class LogLines: Sendable {
    static let standardError = LogLines()

    private let queue = DispatchQueue(label: "gmiseg.log")

    func write(_ members: [JSON.Member]) {
        let line: JSON = .object([.init("time", .string(WallClock.system.now().rfc3339))] + members)
        let bytes = line.encoded() + [UInt8(ascii: "\n")]
        queue.async { @Sendable in FileHandle.standardError.write(Data(bytes)) }
    }

    /// Returns once all lines so far are written.
    func flush() { queue.sync {} }
}
