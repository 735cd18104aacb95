import Jobs
import Storage

/// A worker whose runs are counted.
struct MeasuredWorker: Worker {
    let worker: any Worker
    let telemetry: Telemetry

    func run(_ job: Job, context: JobContext) throws -> JobOutcome {
        let start = ContinuousClock.now
        func observe(_ outcome: String) {
            telemetry.observe(job: outcome, seconds: (ContinuousClock.now - start) / .seconds(1))
        }
        do {
            let outcome = try worker.run(job, context: context)
            observe("succeeded")
            return outcome
        } catch {
            observe(error is JobInterrupted ? "interrupted" : "failed")
            throw error
        }
    }
}
