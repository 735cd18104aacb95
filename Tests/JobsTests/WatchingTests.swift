import Jobs
import Storage
import TestSupport
import Testing

@Suite struct WatchingTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path)
    }

    @Test func hearsEveryStateInOrderAndTheFinalOneLast() async throws {
        let job = try store.queueJob()
        let (first, heard, over) = (Event(), Journal<Job>(), Event())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                for step in 1...200 { context.report(step: step, of: 200, loss: Double(step)) }
                return JobOutcome(resultJSON: "{}")
            })
        let observation = try #require(
            try queue.observe(job.id) { job in
                heard.note(job)
                first.happen()
                if job.state.isFinal { over.happen() }
            })
        await first()
        #expect(heard.entries == [job])
        try queue.start()
        await over()
        let states = heard.entries
        #expect(states.first?.state == .queued)
        #expect(states.last?.state == .succeeded)
        #expect(states.last == (try store.job(job.id)))
        #expect(states.dropLast().allSatisfy { !$0.state.isFinal })
        #expect(zip(states, states.dropFirst()).allSatisfy { $0.revision < $1.revision })
        #expect(zip(states, states.dropFirst()).allSatisfy { $0.progress.step <= $1.progress.step })
        await queue.stop()
        #expect(heard.entries.count == states.count)
        observation.cancel()
    }

    @Test func aSlowWatcherGetsTheNewestNotABacklog() async throws {
        let job = try store.queueJob()
        let (busy, reported, over) = (Event(), Event(), Event())
        let heard = Journal<Int>()
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                context.report(step: 1, of: 1_000)
                busy.block()
                for step in 2...1_000 { context.report(step: step, of: 1_000) }
                reported.happen()
                over.block()
                return JobOutcome(resultJSON: "{}")
            })
        let ended = Event()
        let observation = try queue.observe(job.id) { job in
            heard.note(job.progress.step)
            if job.progress.step == 1 {
                busy.happen()
                reported.block()
            }
            if job.progress.step == 1_000 { over.happen() }
            if job.state.isFinal { ended.happen() }
        }
        try queue.start()
        await ended()
        #expect(heard.entries.filter { (2..<1_000).contains($0) }.isEmpty)
        #expect(heard.entries.contains(1_000))
        await queue.stop()
        withExtendedLifetime(observation) {}
    }

    @Test func aJobThatIsOverIsToldOnce() async throws {
        let job = try store.queueJob()
        let queue = JobQueue(store: store, worker: Scripted.idle)
        try queue.start()
        let final = try #require(await queue.final(job.id))
        let (heard, told) = (Journal<Job>(), Event())
        let observation = try queue.observe(job.id) { job in
            heard.note(job)
            told.happen()
        }
        await told()
        #expect(heard.entries == [final])
        await queue.stop()
        withExtendedLifetime(observation) {}
    }

    @Test func endsWithItsObservation() async throws {
        let job = try store.queueJob()
        let (heard, other) = (Journal<Job>(), Event())
        let queue = JobQueue(store: store, worker: Scripted.idle)
        var observation = try queue.observe(job.id) { heard.note($0) }
        #expect(observation != nil)
        // A second watcher is called after the first, so what it hears, the first has heard.
        let witness = try queue.observe(job.id) { _ in other.happen() }
        await other()
        let before = heard.entries.count
        observation = nil
        try queue.start()
        #expect(await queue.final(job.id)?.state == .succeeded)
        #expect(heard.entries.count == before)
        await queue.stop()
        withExtendedLifetime(witness) {}
    }

    @Test func anUnknownJobCannotBeWatched() async throws {
        let queue = JobQueue(store: store, worker: Scripted.idle)
        #expect(try queue.observe("job_x") { _ in } == nil)
        #expect(await queue.wait(for: "job_x", timeout: .seconds(600)) == nil)
    }

    @Test func waitingEndsAfterTheTimeoutWithTheStateSoFar() async throws {
        let (job, started, go) = (try store.queueJob(), Event(), Event())
        let queue = JobQueue(
            store: store,
            worker: Scripted { _, context in
                context.report(step: 3, of: 10)
                started.happen()
                go.block()
                return JobOutcome(resultJSON: "{}")
            })
        try queue.start()
        await started()
        // The worker cannot end before `go`, so whatever the machine's speed this is the timeout's answer.
        for timeout in [Duration.milliseconds(5), .zero, .seconds(-3)] {
            let waited = try #require(await queue.wait(for: job.id, timeout: timeout))
            #expect(waited.state == .running && waited.progress.step == 3)
        }
        let later = Journal<JobState?>()
        let (first, second) = (Event(), Event())
        queue.wait(for: job.id, timeout: .seconds(600)) { job in
            later.note(job?.state)
            first.happen()
        }
        queue.wait(for: job.id, timeout: .seconds(1_000_000_000)) { job in
            later.note(job?.state)
            second.happen()
        }
        go.happen()
        await first()
        await second()
        #expect(later.entries == [.succeeded, .succeeded])
        await queue.stop()
    }

    @Test func manyMayWaitWithoutAThreadEach() async throws {
        let (job, go, queue) = (try store.queueJob(), Event(), Event())
        let jobs = JobQueue(
            store: store,
            worker: Scripted { _, _ in
                queue.happen()
                go.block()
                return JobOutcome(resultJSON: "{}")
            })
        try jobs.start()
        await queue()
        let answers = Journal<JobState?>()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<500 {
                group.addTask { answers.note(await jobs.wait(for: job.id, timeout: .seconds(600))?.state) }
            }
            group.addTask { go.happen() }
        }
        #expect(answers.entries.count == 500)
        #expect(answers.entries.allSatisfy { $0 == .succeeded })
        await jobs.stop()
    }
}
