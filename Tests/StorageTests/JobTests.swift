import Basics
import Dispatch
import Storage
import TestSupport
import Testing

@Suite struct JobTests {
    let folder: TemporaryDirectory
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try SQLiteStore(directory: folder.path, clock: SteppingClock().clock)
    }

    private func queue(_ priority: Int = 0, parameters: String = "{}") throws -> Job {
        let job = NewJob(kind: "adapt", parametersJSON: parameters, priority: priority)
        return try #require(try store.createTask(Sample.task(examples: 0, job: job)).job)
    }

    @Test func isClaimedByPriorityThenAge() throws {
        let jobs = [try queue(), try queue(5), try queue(), try queue(5), try queue(-1)]
        let claimed = try (0..<5).map { _ in try #require(try store.claimJob()) }
        #expect(claimed.map(\.id) == [1, 3, 0, 2, 4].map { jobs[$0].id })
        #expect(claimed.allSatisfy { $0.state == .running && $0.attempts == 1 && $0.started != nil })
        #expect(try store.claimJob() == nil)
    }

    @Test func isClaimedFromTheOwnerWhoHasWaitedLongest() throws {
        func queue(_ owner: String?, _ priority: Int = 0) throws -> String {
            var task = Sample.task(examples: 0, job: NewJob(priority: priority))
            task.owner = owner
            return try #require(try store.createTask(task).job).id
        }
        // One owner sends many, two others one each, and nobody's are one owner's too.
        let many = [try queue("a"), try queue("a"), try queue("a")]
        let (other, nobody, urgent) = (try queue("b"), [try queue(nil), try queue(nil)], try queue("a", 1))
        let claimed = try (0..<7).map { _ in try #require(try store.claimJob()).id }
        #expect(claimed == [urgent, other, nobody[0], many[0], nobody[1], many[1], many[2]])
    }

    @Test func isClaimedByOneOnly() throws {
        for _ in 0..<40 { _ = try queue() }
        let (store, claimed) = (store, Lock<[String]>([]))
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            while let job = try? store.claimJob() { claimed.withLock { $0.append(job.id) } }
        }
        let ids = claimed.withLock { $0 }
        #expect(ids.count == 40)
        #expect(Set(ids).count == 40)
    }

    @Test func keepsWhatItWasGivenAndHowFarItGot() throws {
        let job = try queue(2, parameters: #"{"steps":60}"#)
        #expect(job.state == .queued && job.attempts == 0 && job.priority == 2 && job.revision == 1)
        #expect(job.parametersJSON == #"{"steps":60}"#)
        let progress = JobProgress(
            fraction: 0.5, step: 30, steps: 60, phase: "training", etaSeconds: 12.5,
            lossCurve: [LossPoint(step: 1, loss: 0.75), LossPoint(step: 2, loss: 0.1)])
        #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
            try store.recordProgress(progress, revision: 9, of: job.id)
        }
        _ = try store.claimJob()
        #expect(try store.recordProgress(progress, revision: 9, of: job.id) == false)
        let found = try #require(try store.job(job.id))
        #expect(found.progress == progress)
        #expect(found.revision == 9)
        #expect(try store.jobs(task: job.task, limit: 10, after: nil) == [found])
        #expect(try store.jobs(task: "task_x", limit: 10, after: nil).isEmpty)
    }

    @Test func numbersThatJSONCannotSpellSurvive() throws {
        let job = try queue()
        _ = try store.claimJob()
        let progress = JobProgress(fraction: .nan, etaSeconds: .infinity)
        _ = try store.recordProgress(progress, revision: 3, of: job.id)
        let found = try #require(try store.job(job.id)).progress
        #expect(found.fraction.isNaN)
        #expect(found.etaSeconds == .infinity)
    }

    @Test func endsInEachWay() throws {
        let failure = JobFailure(code: "diverged", message: "The loss is not a number.", hint: "Lower the rate.")
        let endings: [JobEnding] = [
            .succeeded(JobOutcome(resultJSON: #"{"dice":0.9}"#)), .failed(failure), .cancelled, .putBack,
        ]
        let ended = try endings.map { ending in
            let job = try queue()
            _ = try store.claimJob()
            let progress = JobProgress(fraction: 0.25, etaSeconds: 3)
            return try store.endJob(job.id, as: ending, progress: progress, revision: 40)
        }
        #expect(ended.map(\.state) == [.succeeded, .failed, .cancelled, .queued])
        #expect(ended.map(\.resultJSON) == [#"{"dice":0.9}"#, nil, nil, nil])
        #expect(ended.map(\.failure) == [nil, failure, nil, nil])
        #expect(ended.map(\.progress.fraction) == [1, 0.25, 0.25, 0.25])
        #expect(ended.map { $0.finished != nil } == [true, true, true, false])
        #expect(ended.map(\.attempts) == [1, 1, 1, 0])
        #expect(ended.map(\.revision) == [41, 41, 41, 41])
        for job in ended {
            #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
                try store.endJob(job.id, as: .cancelled, progress: .none, revision: 0)
            }
        }
    }

    @Test func isCancelledByItsState() throws {
        let waiting = try queue()
        #expect(try store.requestCancel(waiting.id)?.state == .cancelled)
        #expect(try store.claimJob() == nil)
        let running = try queue()
        _ = try store.claimJob()
        let marked = try #require(try store.requestCancel(running.id))
        #expect(marked.state == .running && marked.isCancelRequested)
        #expect(try store.recordProgress(.none, revision: 5, of: running.id) == true)
        let ended = try store.endJob(running.id, as: .putBack, progress: .none, revision: 5)
        #expect(ended.state == .cancelled)
        #expect(try store.requestCancel(running.id) == ended)
        #expect(try store.requestCancel("job_x") == nil)
    }

    @Test func checkpointReplacesTheOneBeforeAndGoesAtTheEnd() throws {
        let job = try queue()
        #expect(throws: StoreError.unknown(kind: "job", id: job.id)) {
            try store.saveCheckpoint(.bytes([1]), of: job.id)
        }
        _ = try store.claimJob()
        _ = try store.saveCheckpoint(.bytes([1, 2]), of: job.id)
        let second = try store.saveCheckpoint(.bytes([3]), of: job.id)
        #expect(try store.job(job.id)?.checkpoint == second)
        #expect(try store.read(second) == [3])
        try expectNothingAstray(store, folder.path)
        let back = try store.endJob(job.id, as: .putBack, progress: .none, revision: 0)
        #expect(back.checkpoint == second)
        #expect(try store.requestCancel(job.id)?.checkpoint == nil)
        try expectNothingAstray(store, folder.path)
        #expect(files(below: folder.file("tasks")).isEmpty)
    }

    @Test func foundRunningIsQueuedAgainThenGivenUp() throws {
        let job = try queue()
        for attempt in 1...2 {
            #expect(try store.claimJob()?.attempts == attempt)
            let recovered = try store.recoverJobs(maximumAttempts: 3)
            #expect(recovered.map(\.id) == [job.id])
            #expect(recovered[0].state == .queued)
        }
        _ = try store.claimJob()
        _ = try store.saveCheckpoint(.bytes([1]), of: job.id)
        let given = try store.recoverJobs(maximumAttempts: 3)
        #expect(given.map(\.state) == [.failed])
        #expect(given[0].failure?.code == "interrupted")
        #expect(given[0].failure?.message.contains("3 times") == true)
        #expect(try store.recoverJobs(maximumAttempts: 3).isEmpty)
        #expect(files(below: folder.file("tasks")).isEmpty)
    }

    @Test func foundRunningAfterItsCancellationIsCancelled() throws {
        let job = try queue()
        let claimed = try #require(try store.claimJob())
        _ = try store.requestCancel(job.id)
        let recovered = try store.recoverJobs(maximumAttempts: 3)
        #expect(recovered.map(\.state) == [.cancelled])
        #expect(recovered[0].revision > claimed.revision)
    }
}

@Suite struct JobProgressTests {
    @Test func lossCurveStaysShortAndAscending() {
        var progress = JobProgress.none
        for step in 0..<10_000 { progress.append(LossPoint(step: step, loss: Double(step))) }
        let steps = progress.lossCurve.map(\.step)
        #expect(steps.count <= JobProgress.lossCurveLimit)
        #expect(steps.first == 0 && steps.last == 9_999)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func repeatedStepsReplaceTheOldOnes() {
        var progress = JobProgress(lossCurve: (1...5).map { LossPoint(step: $0, loss: 1) })
        progress.append(LossPoint(step: 3, loss: 0.5))
        #expect(progress.lossCurve.map(\.step) == [1, 2, 3])
        #expect(progress.lossCurve.last?.loss == 0.5)
    }

    @Test func whatIsNoNumberIsNoPoint() {
        var progress = JobProgress.none
        for loss in [Double.nan, .infinity, -.infinity] { progress.append(LossPoint(step: 1, loss: loss)) }
        #expect(progress.lossCurve.isEmpty)
    }
}
