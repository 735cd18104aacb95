import API
import ArgumentParser

/// The whole program. A function, and not top-level code, whose closures would belong to the main actor.
func runProgram() {
    GMISegCommand.main()
}

/// `gmiseg`: the server and its thin clients.
struct GMISegCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gmiseg",
        abstract: "Few-shot, promptable segmentation of medical images.",
        discussion: """
            Start a server with `gmiseg serve`, define a task with `gmiseg task create`, segment with `gmiseg segment`. \
            Everything the clients do, curl can do as well: GET /openapi.yaml on the server describes it.
            """,
        version: BuildInfo.version,
        subcommands: [
            ServeCommand.self, TokenCommand.self, TaskCommand.self, SegmentCommand.self, VerifyCommand.self,
            ReceiptsCommand.self, ModelCommand.self, BenchCommand.self,
            EvaluateCommand.self, DemoCommand.self,
        ])
}
