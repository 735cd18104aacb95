import API
import ArgumentParser
import Basics
import Evaluation
import Foundation
import Posix
import SegmentAnything

/// Runs an evaluation with a progress bar, and leaves its report whatever ended it.
///
/// A free function: handlers written inside `main` would belong to the main actor and trap on Dispatch's threads.
func evaluate(_ options: EvaluateCommand, model: SegmentAnythingModel, settings: EvaluationSettings) throws {
    let scan = try DatasetScan(
        folder: options.folder, names: EvaluateCommand.names(options.datasets),
        instances: Set(EvaluateCommand.names(options.instances) ?? []),
        progress: { complain("reading \($0)") })
    let build = BuildInfo.current
    let program = ([BuildInfo.version, build.executableSHA256].compactMap(\.self)).joined(separator: " ")
    let evaluation = try Evaluation(
        model: model, scan: scan, settings: settings, output: options.output, program: program)

    let isInterrupted = Lock(false)
    Signals.onTermination { @Sendable in
        let isSecond = isInterrupted.withLock { isInterrupted in
            defer { isInterrupted = true }
            return isInterrupted
        }
        // 128 + SIGINT, as shells have it. The journal is whole at any moment.
        if isSecond { exit(130) }
        complain("\nstopping after the image under way; once more stops at once")
    }
    let end = options.timeBudget.map { ContinuousClock.now + .seconds($0 * 60) }
    var bar = ProgressBar(label: "")
    var lastNote = ""
    var failure: (any Error)?
    do {
        try evaluation.run(
            shouldStop: { isInterrupted.withLock { $0 } || end.map { ContinuousClock.now >= $0 } ?? false },
            progress: { progress in
                var note = progress.note
                if let left = progress.secondsLeft { note += ", \(duration(left)) left" }
                bar.update(fraction: progress.fraction, note: note)
                // Where nobody watches, a line an arm is a log.
                if isatty(STDERR_FILENO) != 1, progress.note != lastNote, !progress.note.contains(", step ") {
                    complain("\(Int(progress.fraction * 100)) %  \(note)")
                }
                lastNote = progress.note
            })
    } catch {
        failure = error
    }
    bar.finish()

    let findings = evaluation.findings()
    let report = Report(findings)
    do throws(EvaluationError) {
        // Pictures take time, and whoever is waiting may lose patience: the figures first.
        try report.write(to: options.output)
        let pictures = evaluation.overlays(of: report.picturedRows, shouldStop: { isInterrupted.withLock { $0 } })
        if !pictures.isEmpty { try report.write(to: options.output, pictures: pictures) }
    } catch {
        throw failure ?? error
    }
    print(EvaluationTable.text(report.summary, findings))
    print("\(options.output)/report.html")
    for omission in findings.omissions {
        complain("left out: \(omission.dataset), \(omission.what): \(omission.reason)")
    }
    if let failure { throw failure }
    if !findings.isComplete {
        complain(
            "stopped with \(findings.cellsDone) of \(findings.cellsPlanned) images done; run the same command to go on")
        throw ExitCode(4)
    }
    if !findings.omissions.isEmpty { throw ExitCode(3) }
}

/// Whole minutes, or seconds below two minutes.
private func duration(_ seconds: Double) -> String {
    seconds < 120 ? "\(Int(seconds.rounded(.up))) s" : "\(Int((seconds / 60).rounded(.up))) min"
}
