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

    static let standardAddresses = ["127.0.0.1:8080"]

    @Option(help: "Address to listen on: host:port, [v6]:port or unix:path; port 0 picks a free one. May be repeated.")
    var listen = ServeCommand.standardAddresses

    @OptionGroup var data: DataOption

    @Option(
        help: ArgumentHelp(
            "Model file, or the name of one in models/ (environment: GMISEG_MODEL; default: gmiseg-mini).",
            discussion: """
                May be repeated: requests choose by name, and the first is the default. NAME=FILE gives a file another name \
                than its own.
                """))
    var model: [String] = []

    @OptionGroup var threads: ThreadsOption

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

    @Option(name: .customLong("log-format"), help: "text, or json: an object a line, requests among them.")
    var logFormat: LogFormat = .text

    @Option(help: "Delete tasks, images and audit records when they are this old: 30d, 12h (default: never).")
    var retention: DurationText?

    @Flag(help: "Keep everything in memory; nothing is left when the server ends. Tokens are still those of --data.")
    var ephemeral = false

    @Flag(name: .customLong("no-audit"), help: "Keep no record in DATA/audit of who created, read and deleted what.")
    var noAudit = false

    @Option(name: .customLong("ready-file"), help: "Write the address into this file when ready, for scripts.")
    var readyFile: String?

    @Option(name: .customLong("cache-mb"), help: "Memory for image embeddings, in MiB.")
    var cacheMegabytes: Int = 256

    @Option(
        name: .customLong("job-memory-mb"),
        help:
            "Memory that the server may take while a job runs, in MiB: a job that takes it further fails (default: no limit)."
    )
    var jobMegabytes: Int?

    @Option(
        name: .customLong("answer-memory-mb"),
        help:
            "Memory that images and masks of all answers in progress may take, in MiB; beyond, requests are refused (default: half of what is free at the start). Finished answers that clients have not taken yet may have a quarter of as much more, at least 64 MiB."
    )
    var answerMegabytes: Int?

    @Option(name: .customLong("tls-cert"), help: "PEM file with the certificate, then those that lead to its root.")
    var tlsCertificate: String?

    @Option(name: .customLong("tls-key"), help: "PEM file with the certificate's private key. SIGHUP reads both again.")
    var tlsKey: String?

    @Option(
        name: .customLong("tls-client-ca"),
        help: "PEM file with the authorities of whom clients must show a certificate.")
    var tlsClientAuthority: String?

    @Flag(
        name: .customLong("insecure-open"),
        help: """
            Allow an address that other machines can reach although no token was made: everybody may do everything, and so may pages of other \
            sites in a browser on this network.
            """)
    var insecureOpen = false

    func validate() throws {
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key go together")
        }
        guard tlsClientAuthority == nil || tlsCertificate != nil else {
            throw ValidationError("--tls-client-ca needs --tls-cert and --tls-key")
        }
        guard (0...1_048_576).contains(cacheMegabytes) else {
            throw ValidationError("--cache-mb must be from 0 to 1048576")
        }
        if let jobMegabytes, !(1...16_777_216).contains(jobMegabytes) {
            throw ValidationError("--job-memory-mb must be from 1 to 16777216")
        }
        if let answerMegabytes, !(1...16_777_216).contains(answerMegabytes) {
            throw ValidationError("--answer-memory-mb must be from 1 to 16777216")
        }
    }

    enum LogFormat: String, ExpressibleByArgument { case text, json }

    func run() throws {
        try serve(self)
    }
}
