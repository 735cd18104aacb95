import Foundation
import Jobs
import Storage
import TestSupport
import Testing

@Suite struct RunningTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path)
    }

    @Test func runsByPriorityThenAge() async throws {
        let jobs = try [0, 5, 0, 5].map { try store.queueJob(priority: $0) }
        let order = Journal<String>()
        let queue = JobQueue(
            store: store,
            worker: Scripted { job, _ in
                order.note(job.id)
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        for job in jobs { #expect(await queue.final(job.id)?.state == .succeeded) }
        #expect(order.entries == [1, 3, 0, 2].map { jobs[$0].id })
        await queue.stop()
    }

    @Test func runsWhatComesLater() async throws {
        let queue = JobQueue(store: store, worker: Scripted.idle)
        try queue.start()
        for _ in 0..<3 {
            let job = try store.queueJob()
            queue.wake()
            #expect(await queue.final(job.id)?.state == .succeeded)
        }
        await queue.stop()
    }

    @Test func publishesTheAdapterWithTheResult() async throws {
        let job = try store.queueJob()
        let scratch = Journal<String>()
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                let path = context.scratchDirectory + "/adapter.safetensors"
                try Data("weights".utf8).write(to: URL(filePath: path))
                scratch.note(context.scratchDirectory)
                let adapter = NewAdapter(file: .file(path: path), sha256: "abc", cardJSON: #"{"rank":4}"#)
                return JobOutcome(resultJSON: #"{"dice":0.9}"#, adapter: adapter)
            })
        try queue.start()
        let ended = try #require(await queue.final(job.id))
        #expect(ended.state == .succeeded)
        #expect(ended.resultJSON == #"{"dice":0.9}"#)
        #expect(ended.progress.fraction == 1)
        let adapter = try #require(try store.adapter(of: job.task, version: nil))
        #expect(adapter.version == 1 && adapter.sha256 == "abc")
        #expect(try store.read(adapter.file) == Array("weights".utf8))
        await queue.stop()
        #expect(!FileManager.default.fileExists(atPath: scratch.entries[0]))
    }

    @Test func tellsWhyItFailed() async throws {
        struct Odd: Error {}
        let failure = JobFailure(code: "diverged", message: "The loss is not a number.", hint: "Lower the rate.")
        let errors: [(any Error & Sendable, String)] = [
            (failure, "diverged"), (Odd(), "internal"), (StoreError.diskFull(path: "/d"), "storage"),
            // Nobody asked it to stop: a fault of the worker.
            (JobInterrupted(), "internal"),
        ]
        for (error, code) in errors {
            let job = try store.queueJob()
            let queue = JobQueue(store: store, worker: Scripted { _, _ in throw error })
            try queue.start()
            let ended = try #require(await queue.final(job.id))
            #expect(ended.state == .failed)
            #expect(ended.failure?.code == code)
            #expect(ended.failure?.message.isEmpty == false)
            #expect(ended.finished != nil)
            await queue.stop()
        }
        let tasks = try store.tasks(limit: 10, after: nil, owner: nil)
        #expect(tasks.allSatisfy { $0.state == .failed && $0.servedAdapter == nil })
    }

    @Test func figuresAreLiveAndKeptNowAndThen() async throws {
        let (clock, reported, advanced) = (StandingClock(), Event(), Event())
        let (again, go) = (Event(), Event())
        let job = try store.queueJob()
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                context.report(step: 1, of: 10, loss: 0.75, phase: "training")
                context.report(step: 2, of: 10, loss: 0.5)
                reported.happen()
                advanced.block()
                context.report(step: 3, of: 10, loss: .nan)
                again.happen()
                go.block()
                return JobOutcome(resultJSON: "{}")
            }, clock: clock.clock)
        try queue.start()
        await reported()
        let live = try #require(try queue.job(job.id))
        #expect(live.state == .running)
        #expect(live.progress.step == 2 && live.progress.steps == 10 && live.progress.fraction == 0.2)
        #expect(live.progress.phase == "training")
        #expect(live.progress.lossCurve == [LossPoint(step: 1, loss: 0.75), LossPoint(step: 2, loss: 0.5)])
        #expect(try queue.jobs(task: job.task, limit: 5, after: nil) == [live])
        // No time has passed, so the disk was left alone.
        #expect(try store.job(job.id)?.progress.step == 0)
        clock.advance(milliseconds: 500)
        advanced.happen()
        await again()
        let kept = try #require(try store.job(job.id)).progress
        #expect(kept.step == 3)
        #expect(kept.lossCurve.map(\.step) == [1, 2])
        go.happen()
        #expect(await queue.final(job.id)?.progress.step == 3)
        await queue.stop()
    }

    @Test func judgesTheRemainingTimeByThePace() async throws {
        let clock = StandingClock()
        let (etas, job) = (Journal<Double?>(), try store.queueJob())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                func note(_ body: () -> Void) {
                    body()
                    etas.note(context.progress.etaSeconds)
                }
                note { context.report(step: 0, of: 10) }
                clock.advance(milliseconds: 2_000)
                note { context.report(step: 2, of: 10) }
                clock.advance(milliseconds: 2_000)
                note { context.report(step: 5, of: 10, fraction: 0.8) }
                note { context.report(step: 6, of: 10, etaSeconds: 42) }
                note { context.report(step: 6, of: 10, fraction: .nan, etaSeconds: -.infinity) }
                return JobOutcome(resultJSON: "{}")
            }, clock: clock.clock)
        try queue.start()
        _ = await queue.final(job.id)
        let found = etas.entries
        #expect(found.count == 5)
        #expect(found[0] == nil)
        #expect(abs((found[1] ?? 0) - 8) < 1e-9)
        #expect(abs((found[2] ?? 0) - 1) < 1e-9)
        #expect(found[3] == 42)
        #expect(abs((found[4] ?? 0) - 4 * 0.4 / 0.6) < 1e-9)
        await queue.stop()
    }

    @Test(arguments: [(-5, -1), (7, 0), (Int.max, 1), (Int.min, Int.max)])
    func reportsOfAnySizeAreTaken(_ step: Int, _ steps: Int) async throws {
        let (fractions, job) = (Journal<Double>(), try store.queueJob())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                context.report(step: step, of: steps, loss: 1)
                fractions.note(context.progress.fraction)
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        #expect(fractions.entries.count == 1)
        #expect(fractions.entries.allSatisfy { (0...1).contains($0) })
        await queue.stop()
    }
}
