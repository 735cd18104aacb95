import Glibc

/// A system call that failed, and why.
package struct SystemCallError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call's name: `bind`.
    package let call: String
    /// Its errno.
    package let code: Int32
    /// What it was about, where that helps: a path or address.
    package let subject: String?

    package init(_ call: String, code: Int32, subject: String? = nil) {
        self.call = call
        self.code = code
        self.subject = subject
    }

    /// The error of the call that has just failed. Nothing may come between.
    package static func last(_ call: String, _ subject: String? = nil) -> SystemCallError {
        SystemCallError(call, code: errno, subject: subject)
    }

    /// Whether the disk, or the user's share of it, is full.
    package var isOutOfSpace: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String {
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return subject.map { "\(call) \($0): \(reason)" } ?? "\(call): \(reason)"
    }
}

/// Calls `body` again as long as a signal interrupts it; nil on any other failure, with errno set.
func retrying<Result: FixedWidthInteger>(_ body: () -> Result) -> Result? {
    while true {
        let result = body()
        if result != -1 { return result }
        if errno != EINTR { return nil }
    }
}
