import API
import ArgumentParser
import Foundation
import Storage

/// `gmiseg token create`.
struct TokenCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a token, and print it once.",
        discussion: "The token is the one line on standard output. It cannot be shown again.")

    @OptionGroup var data: DataOption

    @Option(help: "Whose it is. Tasks and images belong to their owner; several tokens may have one.")
    var owner: String

    @Option(
        help: "read, segment, train or admin; each includes those before it, admin sees what all others own.",
        transform: { text in
            guard let scope = Scope(rawValue: text) else {
                throw ValidationError("\"\(text)\" is none of read, segment, train, admin")
            }
            return scope
        })
    var scope: Scope = .train

    @Option(help: "How long it is valid: 90d, 12h (default: until it is revoked).")
    var expires: DurationText?

    @Option(name: .customLong("requests-per-minute"), help: "Requests that it may make in a minute.")
    var requestsPerMinute: Int = Token.Limits().requestsPerMinute

    @Option(name: .customLong("jobs"), help: "Jobs of its owner that may be queued or running.")
    var jobs: Int = Token.Limits().jobs

    @Option(name: .customLong("gigabytes"), help: "What its owner may store, in GiB.")
    var gigabytes: Int = Token.Limits().bytes >> 30

    func validate() throws {
        guard Token.isWellFormed(owner: owner) else {
            throw ValidationError("--owner is 1 to 64 of the characters a–z, A–Z, 0–9, -, _, . and @")
        }
        guard (1...1_000_000).contains(requestsPerMinute), (0...1_000_000).contains(jobs),
            (0...1_000_000).contains(gigabytes)
        else { throw ValidationError("a limit is out of range: give numbers up to 1000000") }
    }

    func run() throws {
        let now = WallClock.system.now()
        var limits = Token.Limits()
        limits.requestsPerMinute = requestsPerMinute
        limits.jobs = jobs
        limits.bytes = gigabytes << 30
        let (token, text) = Token.make(
            owner: owner, scope: scope, limits: limits, created: now,
            expires: expires.map { Timestamp(milliseconds: now.milliseconds + Int64($0.seconds) * 1_000) })
        if !FileManager.default.fileExists(atPath: data.folder) {
            try FileManager.default.createDirectory(
                atPath: data.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        try TokenFile(dataFolder: data.folder).update { $0.append(token) }
        let end = token.expires?.rfc3339 ?? "never"
        let note = "\(token.id), owner \(owner), scope \(scope.rawValue), expires \(end)\n"
        StandardStream.error.write(note)
        print(text)
    }
}
