import ArgumentParser

/// `gmiseg bench`: how fast the engine and the service are here.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the engine and the service on this machine.",
        discussion: "Speeds drift on a shared machine: compare medians, taken in one run.",
        subcommands: [EncoderBench.self, ClickBench.self, StepBench.self, StartBench.self, HTTPBench.self])
}
