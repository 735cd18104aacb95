import API
import ArgumentParser
import Client
import Foundation

/// Follows a job to its end with a progress bar.
struct JobFollower {
    let client: Client

    /// Returns when the job has succeeded; throws when it ended in any other way.
    func follow(_ id: String) throws {
        var bar = ProgressBar(label: "")
        while true {
            let job = try client.get("/v1/jobs/\(pathSegment(id))").json()
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
            default: Thread.sleep(forTimeInterval: 0.3)
            }
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
        "\(text(json?["mean"]?.doubleValue)) (\(text(json?["low"]?.doubleValue))–\(text(json?["high"]?.doubleValue)))"
    }

    private static func text(_ value: Double?) -> String { value.map { JSON.rounded($0, places: 3).text() } ?? "-" }
}

/// `text` as one segment of a URL's path.
func pathSegment(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-_.~"))) ?? ""
}
