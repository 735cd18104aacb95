import Foundation
import Jobs
import Storage
import TestSupport
import Testing

@Suite struct CancellingTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path)
    }

    /// Says that it runs, then works until it is interrupted.
    private func obedient(_ started: Event) -> Scripted {
        Scripted { _, context in
            context.report(step: 1, of: 10)
            started.happen()
            while true {
                try context.checkInterruption()
                usleep(200)
            }
        }
    }

    @Test func aWaitingJobNeverRuns() async throws {
        let queue = JobQueue(store: store, worker: Scripted { _, _ in fatalError("ran although it was cancelled") })
        let job = try store.queueJob()
        #expect(try queue.cancel(job.id)?.state == .cancelled)
        try queue.start()
        #expect(await queue.final(job.id)?.state == .cancelled)
        await queue.stop()
    }

    @Test func aRunningJobEndsAndTheNextRuns() async throws {
        let (started, job) = (Event(), try store.queueJob())
        let queue = JobQueue(store: store, worker: obedient(started))
        try queue.start()
        await started()
        let cancelled = try #require(try queue.cancel(job.id))
        #expect(cancelled.state == .running && cancelled.isCancelRequested)
        let ended = try #require(await queue.final(job.id))
        #expect(ended.state == .cancelled)
        #expect(ended.progress.step == 1)
        #expect(ended.revision > cancelled.revision)
        #expect(try queue.cancel(job.id) == ended)
        #expect(try store.task(job.task)?.state == .cancelled)
        await queue.stop()
    }

    @Test func anAdapterThatCameTooLateIsNotPublished() async throws {
        let (started, cancelled, job) = (Event(), Event(), try store.queueJob())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, _ in
                started.happen()
                cancelled.block()
                let adapter = NewAdapter(file: .bytes([1]), sha256: "a", cardJSON: "{}")
                return JobOutcome(resultJSON: "{}", adapter: adapter)
            })
        try queue.start()
        await started()
        _ = try queue.cancel(job.id)
        cancelled.happen()
        #expect(await queue.final(job.id)?.state == .cancelled)
        #expect(try store.adapters(of: job.task).isEmpty)
        await queue.stop()
    }

    @Test func anUnknownJobIsNone() throws {
        let queue = JobQueue(store: store, worker: Scripted.idle)
        #expect(try queue.cancel("job_x") == nil)
        #expect(try queue.job("job_x") == nil)
        #expect(try queue.deleteTask("task_x") == nil)
    }

    @Test func aDeletedTaskEndsItsJobAndLeavesNoFile() async throws {
        let (started, deleted, ended) = (Event(), Event(), Event())
        let job = try store.queueJob()
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                defer { ended.happen() }
                try context.saveCheckpoint(.bytes([1]))
                started.happen()
                deleted.block()
                #expect(context.interruption == .cancelled)
                #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
                    try context.saveCheckpoint(.bytes([2]))
                }
                context.report(step: 5, of: 10)
                // One that does not look: it hands over an adapter all the same.
                let adapter = NewAdapter(file: .bytes([1]), sha256: "a", cardJSON: "{}")
                return JobOutcome(resultJSON: "{}", adapter: adapter)
            })
        let heard = Journal<Job>()
        let observation = try queue.observe(job.id) { heard.note($0) }
        try queue.start()
        await started()
        let deletion = try #require(try queue.deleteTask(job.task))
        #expect(deletion.jobs == [job.id])
        #expect(try queue.job(job.id) == nil)
        deleted.happen()
        await ended()
        await queue.stop()
        #expect(heard.entries.last?.state == .cancelled)
        #expect(try store.task(job.task) == nil)
        #expect(try store.job(job.id) == nil)
        for name in ["tasks", "staging"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file(name)).isEmpty)
        }
        withExtendedLifetime(observation) {}
    }

    @Test func whoWaitsForADeletedJobHearsThatItIsCancelled() async throws {
        let job = try store.queueJob()
        let queue = JobQueue(store: store, worker: Scripted.idle)
        let answers = Journal<JobState?>()
        let answered = Event()
        queue.wait(for: job.id, timeout: .seconds(600)) { job in
            answers.note(job?.state)
            answered.happen()
        }
        _ = try queue.deleteTask(job.task)
        await answered()
        #expect(answers.entries == [.cancelled])
        #expect(await queue.wait(for: job.id, timeout: .seconds(600)) == nil)
    }

    @Test func cancellingAtAnyMomentEndsInOneOfTwoStates() async throws {
        // Races the cancellation against taking, running and ending the job.
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                for _ in 0..<20 {
                    try context.checkInterruption()
                    context.report(step: 1, of: 20)
                }
                return JobOutcome(resultJSON: "{}", adapter: NewAdapter(file: .bytes([1]), sha256: "a", cardJSON: "{}"))
            })
        try queue.start()
        for round in 0..<40 {
            let job = try store.queueJob()
            queue.wake()
            for _ in 0..<(round % 4) { _ = try store.probe() }
            let answer = try #require(try queue.cancel(job.id))
            let ended = try #require(await queue.final(job.id))
            #expect(ended.state == .cancelled || answer.state == .succeeded)
            #expect(try store.adapters(of: job.task).count == (ended.state == .succeeded ? 1 : 0))
        }
        await queue.stop()
    }

    @Test func deletingAtAnyMomentLeavesNothing() async throws {
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                for step in 0..<5 {
                    try context.saveCheckpoint(.bytes([UInt8(step)]))
                    context.report(step: step, of: 5)
                }
                return JobOutcome(resultJSON: "{}", adapter: NewAdapter(file: .bytes([1]), sha256: "a", cardJSON: "{}"))
            })
        try queue.start()
        for round in 0..<20 {
            let job = try store.queueJob()
            queue.wake()
            if round.isMultiple(of: 2) { _ = try store.probe() }
            #expect(try queue.deleteTask(job.task) != nil)
            #expect(try store.job(job.id) == nil)
        }
        await queue.stop()
        for name in ["tasks", "staging"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file(name)).isEmpty)
        }
    }
}
