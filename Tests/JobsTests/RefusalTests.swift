import Basics
import Foundation
import Jobs
import Storage
import TestSupport
import Testing

/// The store refuses now and then, as on a full disk; the queue lives on.
@Suite struct RefusalTests {
    let folder: TemporaryDirectory
    let inner: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        inner = try SQLiteStore(directory: folder.path)
    }

    /// Refuses `act` the first `times` times.
    private func refusing(_ act: RefusingStore.Act, times: Int) -> RefusingStore {
        let left = Lock(times)
        return RefusingStore(store: inner) { asked throws(StoreError) in
            guard asked == act else { return }
            let isRefused = left.withLock { left in
                left -= 1
                return left >= 0
            }
            if isRefused { throw .diskFull(path: "/full") }
        }
    }

    private let worker = Scripted { _, context in
        context.report(step: 1, of: 1)
        return JobOutcome(resultJSON: "{}", adapter: NewAdapter(file: .bytes([1]), sha256: "a", cardJSON: "{}"))
    }

    @Test func ofAClaimIsTriedAgain() async throws {
        let job = try inner.queueJob()
        let queue = JobQueue(store: refusing(.claim, times: 3), worker: worker, configuration: .impatient)
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        await queue.stop()
    }

    @Test func ofProgressIsNoHarm() async throws {
        let job = try inner.queueJob()
        var configuration = JobQueue.Configuration.impatient
        configuration.persistEvery = .zero
        let queue = JobQueue(store: refusing(.record, times: 1_000), worker: worker, configuration: configuration)
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        await queue.stop()
    }

    /// Hours of training are not given up for a disk that is full for a moment.
    @Test func ofAnAdapterIsTriedAgain() async throws {
        let job = try inner.queueJob()
        let queue = JobQueue(store: refusing(.end, times: 1), worker: worker, configuration: .impatient)
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        #expect(try inner.adapters(of: job.task).count == 1)
        await queue.stop()
    }

    @Test func ofAnAdapterFailsTheJobWithTheCause() async throws {
        let job = try inner.queueJob()
        let queue = JobQueue(store: refusing(.end, times: 4), worker: worker, configuration: .impatient)
        try queue.start()
        let ended = try #require(await queue.final(job.id))
        #expect(ended.state == .failed)
        #expect(ended.failure?.code == "storage")
        #expect(ended.failure?.message.contains("no room left") == true)
        #expect(ended.failure?.hint?.contains("Free space") == true)
        #expect(try inner.adapters(of: job.task).isEmpty)
        await queue.stop()
    }

    /// It only insures against a kill; the one before it stays.
    @Test func ofACheckpointIsNoHarm() async throws {
        let job = try inner.queueJob()
        let isFull = Lock(false)
        let store = RefusingStore(store: inner) { asked throws(StoreError) in
            if asked == .checkpoint, isFull.withLock({ $0 }) { throw .diskFull(path: "/full") }
        }
        let saving = Scripted { _, context in
            try context.saveCheckpoint(.bytes([1]))
            isFull.withLock { $0 = true }
            try context.saveCheckpoint(.bytes([2, 2]))
            let path = try #require(try context.checkpointPath())
            #expect(try Data(contentsOf: URL(filePath: path)) == Data([1]))
            return JobOutcome(resultJSON: "{}", adapter: nil)
        }
        let queue = JobQueue(store: store, worker: saving, configuration: .impatient)
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        await queue.stop()
    }

    @Test func ofScratchSpaceFailsTheJob() async throws {
        let (first, second) = (try inner.queueJob(), try inner.queueJob())
        let queue = JobQueue(store: refusing(.scratch, times: 1), worker: worker, configuration: .impatient)
        try queue.start()
        #expect(await queue.final(first.id)?.failure?.code == "storage")
        #expect(await queue.final(second.id)?.state == .succeeded)
        await queue.stop()
    }

    @Test func withoutEndCanBeStoppedAndTheJobRunsAtTheNextStart() async throws {
        let (job, refused) = (try inner.queueJob(), Event())
        let store = RefusingStore(store: inner) { asked throws(StoreError) in
            if asked == .end {
                refused.happen()
                throw .diskFull(path: "/full")
            }
        }
        // Its waits are long; the stop must not wait for them.
        let queue = JobQueue(store: store, worker: worker)
        try queue.start()
        await refused()
        await queue.stop()
        #expect(try inner.job(job.id)?.state == .running)
        let next = JobQueue(store: inner, worker: worker)
        try next.start()
        #expect(await next.final(job.id)?.state == .succeeded)
        #expect(try inner.adapters(of: job.task).map(\.version) == [1])
        await next.stop()
    }

    @Test func ofAReadIsToldToWhoeverWaits() async throws {
        let job = try inner.queueJob()
        let queue = JobQueue(store: refusing(.look, times: 2), worker: worker, configuration: .impatient)
        #expect(throws: StoreError.diskFull(path: "/full")) { try queue.job(job.id) }
        #expect(await queue.wait(for: job.id, timeout: .seconds(600)) == nil)
    }
}
