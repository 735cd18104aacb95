import API
import ArgumentParser
import Client
import Foundation

/// Follows a job to its end with a progress bar.
struct JobFollower {
    let client: Client

    /// How long a server that is busy or away is asked again, in seconds: a restart ends no job.
    private static let patience = 300.0

    /// Returns when the job has succeeded; throws when it ended in any other way.
    func follow(_ id: String) throws {
        var bar = ProgressBar(label: "")
        let start = ContinuousClock.now
        while true {
            let job = try status(of: id)
            let state = job["state"]?.stringValue ?? ""
            bar.update(fraction: job["progress"]?.doubleValue ?? 0, note: Self.note(job, state))
            switch state {
            case "succeeded":
                bar.finish()
                return Self.summary(job).map(complain) ?? ()
            case "failed", "cancelled":
                bar.finish()
                let message = job["error"]?["message"]?.stringValue.map { ": \($0)" } ?? ""
                let hint = job["error"]?["hint"]?.stringValue.map { "\nhint: \($0)" } ?? ""
                complain("the job \(id) has \(state == "failed" ? "failed" : "been cancelled")\(message)\(hint)")
                throw ExitCode.failure
            default:
                // Short jobs are over at once; of long ones many may be waited for with one token, which may ask so many times a minute.
                Thread.sleep(forTimeInterval: min(0.3 + (ContinuousClock.now - start) / .seconds(60), 2))
            }
        }
    }

    private func status(of id: String) throws -> JSON {
        let start = ContinuousClock.now
        while true {
            let failure: any Error
            var pause = 2.0
            switch Result(catching: { () throws(ClientError) in try client.get("/v1/jobs/\(pathSegment(id))") }) {
            case .success(let response) where [429, 503].contains(response.status):
                failure = ServerComplaint(response: response)
                pause = min(max(response.header("Retry-After").flatMap(Double.init) ?? pause, 1), 30)
            case .success(let response): return try response.json()
            case .failure(let error) where error.isPassing: failure = error
            case .failure(let error): throw error
            }
            guard (ContinuousClock.now - start) / .seconds(1) < Self.patience else { throw failure }
            Thread.sleep(forTimeInterval: pause)
        }
    }

    private static func note(_ job: JSON, _ state: String) -> String {
        var note = state
        if state == "running", let phase = job["phase"]?.stringValue { note = phase }
        if let step = job["step"]?.integerValue, let steps = job["steps"]?.integerValue, steps > 0 {
            note += ", step \(step) of \(steps)"
        }
        if let loss = job["loss_curve"]?.elements?.last?["loss"]?.doubleValue { note += ", loss \(text(loss))" }
        if let seconds = job["eta_seconds"]?.doubleValue { note += ", \(Int(seconds.rounded(.up))) s left" }
        return note
    }

    /// The held-out scores before and after, and who answers from now on.
    private static func summary(_ job: JSON) -> String? {
        guard let result = job["result"] else { return nil }
        let rows = (result["held_out"]?["prompts"]?.members ?? []).map { kind in
            let (before, after) = (kind.value["base"]?["dice"], kind.value["adapted"]?["dice"])
            return "  \(kind.name): Dice \(text(before?["mean"]?.doubleValue)) → \(interval(after))"
        }
        let head = rows.isEmpty ? [] : ["on images held out of training:"]
        return (head + rows + [result["served_reason"]?.stringValue].compactMap(\.self)).joined(separator: "\n")
    }

    private static func interval(_ json: JSON?) -> String {
        let mean = text(json?["mean"]?.doubleValue)
        guard let low = json?["low"]?.doubleValue, let high = json?["high"]?.doubleValue else { return mean }
        return "\(mean) (\(text(low))–\(text(high)))"
    }

    private static func text(_ value: Double?) -> String { value.map { JSON.rounded($0, places: 3).text() } ?? "-" }
}
