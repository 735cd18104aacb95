import Storage

/// One run of a job, in memory: newer than what the store has, until the run ends.
struct Run {
    private(set) var job: Job
    private(set) var interruption: Interruption?
    /// The job's record is gone: nobody is to hear of it any more.
    private(set) var isDeleted = false
    var isBeingKept = false
    /// The worker has returned: from here on only the store changes the job, so that its last revision is the highest.
    private(set) var isOver = false

    private let began: Timestamp
    private let fractionAtStart: Double
    private var lastKept: Timestamp

    init(_ job: Job, now: Timestamp) {
        self.job = job
        // Without a checkpoint the work starts anew.
        if job.checkpoint == nil { self.job.progress = .none }
        self.job.progress.etaSeconds = nil
        if job.isCancelRequested { interruption = .cancelled }
        began = now
        lastKept = now
        fractionAtStart = self.job.progress.fraction
    }

    mutating func cancel() {
        interruption = .cancelled
        guard !job.isCancelRequested, !isOver else { return }
        job.isCancelRequested = true
        job.revision += 1
    }

    mutating func delete() {
        cancel()
        isDeleted = true
    }

    /// A cancellation goes before a stop: the job shall not come back.
    mutating func stop() {
        if interruption == nil { interruption = .stopping }
    }

    mutating func finish() { isOver = true }

    mutating func take(_ report: Report, now: Timestamp) {
        guard !isOver else { return }
        job.progress.step = max(0, report.step)
        job.progress.steps = max(0, report.steps)
        if let phase = report.phase { job.progress.phase = phase }
        if let loss = report.loss { job.progress.append(LossPoint(step: report.step, loss: loss)) }
        let ratio = report.steps > 0 ? Double(report.step) / Double(report.steps) : job.progress.fraction
        let fraction = report.fraction.flatMap { $0.isFinite ? $0 : nil } ?? ratio
        job.progress.fraction = min(1, max(0, fraction))
        let given = report.etaSeconds.flatMap { $0.isFinite ? max(0, $0) : nil }
        job.progress.etaSeconds = given ?? remainingSeconds(now)
        job.revision += 1
    }

    /// True when the store should hear of the progress: at most once every `interval` seconds, one at a time.
    mutating func isDue(every interval: Double, now: Timestamp) -> Bool {
        // A clock that was set back must not silence the store.
        let elapsed = now.seconds(since: lastKept)
        guard !isBeingKept, !isDeleted, !isOver, elapsed >= interval || elapsed < 0 else { return false }
        lastKept = now
        isBeingKept = true
        return true
    }

    /// What is left, at the mean pace of this run.
    private func remainingSeconds(_ now: Timestamp) -> Double? {
        let (done, elapsed) = (job.progress.fraction - fractionAtStart, now.seconds(since: began))
        guard done > 0, elapsed >= 0 else { return nil }
        return elapsed * (1 - job.progress.fraction) / done
    }
}
