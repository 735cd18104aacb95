import Foundation
import SegmentAnything
import Tensor

/// Everything about a model file that can be checked without another one.
struct IntegrityCheck {
    struct Finding {
        let subject: String
        let passed: Bool
        let detail: String

        var line: String {
            "\(passed ? "ok    " : "FAILED") \(subject)\(String(repeating: " ", count: max(1, 12 - subject.count)))\(detail)"
        }
    }

    let path: String

    /// The findings in the order of the checks, which end at the first that makes the next impossible; and the model, if it
    /// can be used.
    func run() -> (findings: [Finding], model: SegmentAnythingModel?) {
        var findings: [Finding] = []
        /// Runs `body` and notes its answer, or what it throws.
        func check<Result>(_ subject: String, _ body: () throws -> (Result, String)) -> Result? {
            do {
                let (result, detail) = try body()
                findings.append(Finding(subject: subject, passed: true, detail: detail))
                return result
            } catch {
                findings.append(Finding(subject: subject, passed: false, detail: "\(error)"))
                return nil
            }
        }
        let opened = check("tensors") {
            let checkpoint = try Checkpoint(path: path)
            let count = checkpoint.configuration.parameterSizes.count
            let ignored = checkpoint.extraTensors.isEmpty ? "" : ", \(checkpoint.extraTensors.count) others ignored"
            return (checkpoint, "all \(count) of \(checkpoint.configuration.name) with their shapes\(ignored)")
        }
        guard let checkpoint = opened else { return (findings, nil) }
        _ = check("checksums") {
            try checkpoint.file.verifyChecksums()
            return ((), checkpoint.file.format == .torch ? "CRC-32 of every entry" : "the format has none")
        }
        let model = check("weights") {
            let model = try SegmentAnythingModel(checkpoint)
            return (model, "\(model.parameterCount), all finite")
        }
        if let model { findings.append(identity(model.sha256)) }
        return (findings, model)
    }

    /// A file that has an official one's name must be it; any other may be what it is.
    private func identity(_ hash: String) -> Finding {
        if let official = OfficialCheckpoint.all.first(where: { $0.sha256 == hash }) {
            return Finding(subject: "identity", passed: true, detail: "the official \(official.fileName)")
        }
        let name = URL(filePath: path).lastPathComponent
        if let expected = OfficialCheckpoint.all.first(where: { $0.fileName == name }) {
            return Finding(
                subject: "identity", passed: false,
                detail: "named like the official checkpoint, whose SHA-256 is \(expected.sha256); this one's is \(hash)"
            )
        }
        return Finding(subject: "identity", passed: true, detail: "none of the official checkpoints; SHA-256 \(hash)")
    }
}
