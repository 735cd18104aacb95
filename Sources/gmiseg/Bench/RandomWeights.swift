import Foundation
import SegmentAnything
import Tensor

/// Random weights, measured as real ones would be: from a file, mapped by a process that did not make them, so that its
/// memory is the engine's and not also that of a generator of random numbers.
enum RandomWeights {
    /// Runs the command that this process was started with again, on a file of random weights that is gone afterwards.
    ///
    /// - Returns: The exit status of that run.
    static func measure(_ options: BenchOptions) throws -> Int32 {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "gmiseg-random-\(UUID().uuidString).safetensors")
        Underway.add(file: file)
        defer {
            try? FileManager.default.removeItem(at: file)
            Underway.remove(file: file)
        }
        try SegmentAnythingModel(configuration: options.configuration(), randomSeed: 0)
            .write(to: file.path, as: .float32)
        let process = Process()
        process.executableURL = try Executable.url
        process.arguments = arguments(CommandLine.arguments.dropFirst(), file: file.path)
        try Underway.start(process)
        process.waitUntilExit()
        Underway.remove(child: process.processIdentifier)
        return process.terminationStatus
    }

    /// The same command line, but with the file in place of the model's name.
    static func arguments(_ given: some Sequence<String>, file: String) -> [String] {
        var result: [String] = []
        var isModel = false
        for argument in given {
            if isModel {
                isModel = false
            } else if argument == "--model" {
                isModel = true
            } else if argument != "--random-weights", !argument.hasPrefix("--model=") {
                result.append(argument)
            }
        }
        return result + ["--model", file, "--weights-are-random"]
    }
}
