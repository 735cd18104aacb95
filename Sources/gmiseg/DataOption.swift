import ArgumentParser
import Foundation

/// The folder that a server works in.
struct DataOption: ParsableArguments {
    @Option(help: "Folder for tasks, adapters and uploads (environment: GMISEG_DATA; default: ./gmiseg-data).")
    var data: String?

    var folder: String {
        // Set but empty is not set: it would be the working directory.
        [data, ProcessInfo.processInfo.environment["GMISEG_DATA"]].compactMap(\.self).first { !$0.isEmpty }
            ?? "gmiseg-data"
    }
}
