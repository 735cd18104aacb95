import Foundation
import Jobs
import Storage
import TestSupport
import Testing

@Suite struct RecoveryTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    @Test func aKilledProcessesJobGoesOnFromItsCheckpoint() async throws {
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.path as String] in
            let store = try SQLiteStore(directory: path)
            let job = try store.queueJob()
            var configuration = JobQueue.Configuration()
            configuration.persistEvery = .zero
            let queue = JobQueue(
                store: store,
                worker: Scripted { _, context in
                    #expect(try context.checkpointPath() == nil)
                    context.report(step: 1, of: 4, loss: 1)
                    context.report(step: 2, of: 4, loss: 0.5)
                    try context.saveCheckpoint(.bytes([2]))
                    context.report(step: 3, of: 4, loss: 0.25)
                    kill(getpid(), SIGKILL)
                    return JobOutcome(resultJSON: "{}")
                }, configuration: configuration)
            try queue.start()
            _ = await queue.final(job.id)
        }
        let store = try SQLiteStore(directory: folder.path)
        let job = try #require(try store.jobs(task: nil, limit: 1, after: nil, owner: nil).first)
        #expect(job.state == .running && job.attempts == 1 && job.progress.step == 3)
        #expect(try store.adapters(of: job.task).isEmpty)
        let queue = JobQueue(
            store: store,
            worker: Scripted { job, context in
                #expect(job.attempts == 2)
                let path = try #require(try context.checkpointPath())
                let done = Int(try Data(contentsOf: URL(filePath: path))[0])
                for step in (done + 1)...4 { context.report(step: step, of: 4, loss: Double(step)) }
                #expect(context.progress.lossCurve.map(\.loss) == [1, 0.5, 3, 4])
                let adapter = NewAdapter(file: .bytes([7]), sha256: "a", cardJSON: "{}")
                return JobOutcome(resultJSON: "{}", adapter: adapter)
            })
        try queue.start()
        let ended = try #require(await queue.final(job.id))
        #expect(ended.state == .succeeded)
        #expect(ended.revision > job.revision)
        #expect(try store.read(try #require(try store.adapter(of: job.task, version: nil)).file) == [7])
        await queue.stop()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("tasks/" + job.task)).count == 3)
    }

    @Test func withoutCheckpointTheWorkStartsAnew() async throws {
        let first = try SQLiteStore(directory: folder.path)
        let job = try first.queueJob()
        _ = try first.claimJob()
        let progress = JobProgress(fraction: 0.5, step: 2, steps: 4, lossCurve: [LossPoint(step: 2, loss: 1)])
        _ = try first.recordProgress(progress, revision: 10, of: job.id)
        first.close()
        let store = try SQLiteStore(directory: folder.path)
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                #expect(context.progress == .none)
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        await queue.stop()
    }

    @Test func aJobThatKeepsKillingItsProcessIsGivenUp() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let deadly = try store.queueJob(priority: 1)
        var configuration = JobQueue.Configuration()
        configuration.maximumAttempts = 2
        for _ in 0..<2 {
            _ = try store.recoverJobs(maximumAttempts: 2)
            #expect(try store.claimJob()?.id == deadly.id)
        }
        let harmless = try store.queueJob()
        let ran = Journal<String>()
        let queue = JobQueue(
            store: store,
            worker: Scripted { job, _ in
                ran.note(job.id)
                return JobOutcome(resultJSON: "{}")
            }, configuration: configuration)
        try queue.start()
        let given = try #require(await queue.final(deadly.id))
        #expect(given.state == .failed && given.failure?.code == "interrupted")
        #expect(await queue.final(harmless.id)?.state == .succeeded)
        #expect(ran.entries == [harmless.id])
        await queue.stop()
    }

    @Test func aStopPutsTheJobBackAndItGoesOn() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let (job, next) = (try store.queueJob(), try store.queueJob())
        for round in 1...4 {
            let started = Event()
            let queue = JobQueue(
                store: store,
                worker: Scripted { _, context in
                    started.happen()
                    while context.interruption == nil { usleep(200) }
                    #expect(context.interruption == .stopping)
                    try context.saveCheckpoint(.bytes([UInt8(round)]))
                    throw JobInterrupted()
                })
            try queue.start()
            await started()
            await queue.stop()
            let back = try #require(try store.job(job.id))
            // However often the server is stopped, it is no fault of the job.
            #expect(back.state == .queued && back.attempts == 0)
            #expect(try store.read(try #require(back.checkpoint)) == [UInt8(round)])
            #expect(try store.job(next.id)?.state == .queued)
        }
        let order = Journal<String>()
        let queue = JobQueue(
            store: store,
            worker: Scripted { job, _ in
                order.note(job.id)
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        #expect(await queue.final(next.id)?.state == .succeeded)
        #expect(order.entries == [job.id, next.id])
        await queue.stop()
    }

    @Test func whatWasDoneBeforeAStopIsDone() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let (job, started) = (try store.queueJob(), Event())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                started.happen()
                while context.interruption == nil { usleep(200) }
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        await started()
        await queue.stop()
        #expect(try store.job(job.id)?.state == .succeeded)
    }

    @Test func aCancelledJobDoesNotComeBackAfterAStop() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let (job, started, cancelled) = (try store.queueJob(), Event(), Event())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, _ in
                started.happen()
                cancelled.block()
                throw JobInterrupted()
            })
        try queue.start()
        await started()
        _ = try queue.cancel(job.id)
        async let stopped: Void = queue.stop()
        cancelled.happen()
        await stopped
        #expect(try store.job(job.id)?.state == .cancelled)
    }

    @Test func startsAgainAfterAStop() async throws {
        let store = try SQLiteStore(directory: folder.path)
        let queue = JobQueue(store: store, worker: Scripted.idle)
        await queue.stop()
        try queue.start()
        await queue.stop()
        let job = try store.queueJob()
        queue.wake()
        await queue.stop()
        #expect(try store.job(job.id)?.state == .queued)
        try queue.start()
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        await queue.stop()
    }
}
