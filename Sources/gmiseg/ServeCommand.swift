import ArgumentParser
import Logging

/// `gmiseg serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server.",
        discussion: """
            Prints one line with its address when it is ready. SIGTERM and SIGINT let requests under way finish and have a \
            running job save a checkpoint, from which the next start goes on.
            """)

    @Option(help: "Address to listen on: host:port, [v6]:port or unix:path; port 0 picks a free one. May be repeated.")
    var listen: [String] = ["127.0.0.1:8080"]

    @Option(help: "Folder for tasks, adapters and uploads (environment: GMISEG_DATA; default: ./gmiseg-data).")
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Model file, or the name of one in models/ (environment: GMISEG_MODEL; default: gmiseg-mini).",
            discussion: """
                May be repeated: requests choose by name, and the first is the default. NAME=FILE gives a file another name \
                than its own.
                """))
    var model: [String] = []

    @Option(help: "Processor threads for the model (default: all cores).")
    var threads: Int?

    @Option(
        name: .customLong("log-level"), help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError(
                    "\"\(text)\" is none of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return level
        })
    var logLevel: Logger.Level = .info

    @Option(name: .customLong("ready-file"), help: "Write the address into this file when ready, for scripts.")
    var readyFile: String?

    @Option(name: .customLong("cache-mb"), help: "Memory for image embeddings, in MiB.")
    var cacheMegabytes: Int = 256

    @Flag(
        name: .customLong("insecure-open"),
        help: "Allow an address that other machines can reach. There is no authentication and no encryption.")
    var insecureOpen = false

    func validate() throws {
        if let threads, !(1...1_024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024") }
        guard (0...1_048_576).contains(cacheMegabytes) else {
            throw ValidationError("--cache-mb must be from 0 to 1048576")
        }
    }

    func run() throws {
        try serve(self)
    }
}
