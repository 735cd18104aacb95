import Basics
import Dispatch
import Foundation
import HTTPTypes
package import Logging
import Posix
package import Storage

/// Who created, read and deleted what: a line of JSON for each such request, in a file for each day.
///
/// It holds names of owners and identifiers, no more: nothing that a client called something. Of those who are turned away it writes so
/// many a minute, and then only how many more there were: nobody fills the disk by knocking.
package final class AuditLog: Sendable {
    private let folder: String
    private let clock: WallClock
    private let log: Logger
    private let queue = DispatchQueue(label: "gmiseg.audit")
    private let refusals = Lock(RefusalBudget())

    /// - Parameter dataFolder: The lines go to `audit/` below it.
    package init(dataFolder: String, clock: WallClock = .system, log: Logger) throws {
        folder = dataFolder + "/audit"
        self.clock = clock
        self.log = log
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Writes a line, soon.
    func record(
        request: String, identity: Identity, method: HTTPRequest.Method, route: String, subject: [String], status: Int
    ) {
        let now = clock.now()
        let line: JSON = [
            "time": .string(now.rfc3339), "request": .string(request), "owner": .optional(identity.owner),
            "token": .optional(identity.token), "action": .string("\(method.rawValue) \(route)"),
            "subject": .array(subject.map { .string($0) }), "status": .integer(status),
        ]
        enter(line, at: now)
    }

    /// Writes a line about a request that was turned away, soon.
    /// - Parameter route: Nil for places that are not there.
    func record(refused request: String, identity: Identity, method: HTTPRequest.Method, route: String?, status: Int) {
        let now = clock.now()
        let (isWritten, omitted) = refusals.withLock { $0.take(at: now) }
        if omitted > 0 { enter(["time": .string(now.rfc3339), "refused_unnamed": .integer(omitted)], at: now) }
        guard isWritten else { return }
        // A method may be any word; those of routes are known.
        let action = route.map { "\(method.rawValue) \($0)" } ?? "-"
        enter(
            [
                "time": .string(now.rfc3339), "request": .string(request), "owner": .optional(identity.owner),
                "token": .optional(identity.token), "action": .string(action), "subject": .array([]),
                "status": .integer(status),
            ], at: now)
    }

    private func enter(_ line: JSON, at time: Timestamp) {
        queue.async { @Sendable [self] in append(line.encoded() + [UInt8(ascii: "\n")], day: Self.day(time)) }
    }

    /// Removes the files of days that ended before `time`. Returns how many.
    func removeDays(before time: Timestamp) -> Int {
        let limit = Self.day(time)
        return queue.sync {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let old = names.filter { $0.hasSuffix(".jsonl") && $0.dropLast(6) < limit }
            for name in old { unlink(folder + "/" + name) }
            return old.count
        }
    }

    /// Returns once all lines so far are written.
    package func flush() { queue.sync {} }

    private static func day(_ time: Timestamp) -> String { String(time.rfc3339.prefix(10)) }

    private func append(_ line: [UInt8], day: String) {
        let path = "\(folder)/\(day).jsonl"
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            log.error("the audit log cannot be written", metadata: ["errno": "\(errno)"])
            return
        }
        defer { close(file) }
        let written = write(file, line, line.count)
        guard written != line.count else { return }
        log.error("the audit log cannot be written", metadata: ["errno": "\(errno)"])
        // Half a line would make the next one unreadable too.
        if written > 0 { _ = ftruncate(file, lseek(file, 0, SEEK_END) - off_t(written)) }
    }
}
