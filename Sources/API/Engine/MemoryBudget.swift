import Basics
import Posix
package import Storage

/// What the whole server may take while a job runs, and what it takes.
package struct MemoryBudget: Sendable {
    /// In bytes; nil: as much as there is.
    let limit: Int?
    private let used: @Sendable () -> Int
    private let giveBack: @Sendable () -> Void

    package static let unlimited = MemoryBudget(bytes: nil)

    /// - Parameters:
    ///   - used: What the process takes now, in bytes.
    ///   - giveBack: Has the allocator return to the system what was freed, and is counted as taken until then.
    package init(
        bytes limit: Int?, used: @escaping @Sendable () -> Int = { ProcessStatistics.current.residentBytes },
        giveBack: @escaping @Sendable () -> Void = { ProcessMemory.giveBackFreed() }
    ) {
        self.limit = limit
        self.used = used
        self.giveBack = giveBack
    }

    /// Throws when a job would likely take more than there is for it.
    ///
    /// - Parameter expected: Of the whole server, in bytes.
    func check(expected: Int) throws(JobFailure) {
        guard let limit, expected > limit else { return }
        throw JobFailure(
            code: Self.code,
            message: "the job would take about \(Self.megabytes(expected)) of memory, the server's included, and "
                + "\(Self.megabytes(limit)) are allowed",
            hint: Self.hint)
    }

    /// Why to end now: what is taken is more than what is allowed; nil: go on. Cheap enough for every prompt.
    package func overrun() -> JobFailure? {
        guard let limit, used() > limit else { return nil }
        giveBack()
        guard case let taken = used(), taken > limit else { return nil }
        return JobFailure(
            code: Self.code,
            message:
                "the server took \(Self.megabytes(taken)) of memory during the job, and \(Self.megabytes(limit)) are "
                + "allowed",
            hint: Self.hint)
    }

    private static let code = "out-of-memory"
    private static let hint =
        "start the server with a larger --job-memory-mb, or create a task with fewer adaptation.augmented_views, fewer images, or a "
        + "smaller model; an earlier adapter, if any, goes on serving"

    private static func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
}

/// Watches a budget over one job, and keeps the first overrun.
final class MemoryWatch: Sendable {
    private let budget: MemoryBudget
    private let found = Lock<JobFailure?>(nil)

    init(_ budget: MemoryBudget) { self.budget = budget }

    var failure: JobFailure? { found.withLock { $0 } }

    /// Whether the job must end for its memory.
    func isExceeded() -> Bool {
        found.withLock { found in
            found = found ?? budget.overrun()
            return found != nil
        }
    }
}
