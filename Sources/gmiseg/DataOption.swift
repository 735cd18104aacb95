import ArgumentParser
import Foundation

/// The folder that a server works in.
struct DataOption: ParsableArguments {
    @Option(help: "Folder for tasks, adapters and uploads (environment: GMISEG_DATA; default: ./gmiseg-data).")
    var data: String?

    var folder: String { data ?? ProcessInfo.processInfo.environment["GMISEG_DATA"] ?? "gmiseg-data" }
}
