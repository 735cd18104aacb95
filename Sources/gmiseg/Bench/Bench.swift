import ArgumentParser

/// A benchmark: with `--random-weights` it runs again, in a process of its own, on a file of such weights.
protocol Bench: ParsableCommand {
    var options: BenchOptions { get }

    /// Measures with the weights in a file, and prints what it found.
    func measure() throws
}

extension Bench {
    func run() throws {
        Underway.watch()
        if options.randomWeights { throw ExitCode(try RandomWeights.measure(options)) }
        try measure()
    }
}
