import ArgumentParser
import Tensor

/// How many processor threads the model may use.
struct ThreadsOption: ParsableArguments {
    @Option(help: "Processor threads for the model (default: all cores).")
    var threads: Int?

    /// How many there are to be.
    var count: Int { threads ?? Threads.count }

    func validate() throws {
        if let threads, !(1...1_024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
    }

    /// From now on this process uses so many.
    func apply() { if let threads { Threads.count = threads } }
}
