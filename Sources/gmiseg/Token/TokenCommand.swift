import ArgumentParser

/// `gmiseg token`: who may use a server. Works on the data folder, while a server runs or not.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Create, list and revoke the bearer tokens of a server.",
        discussion: """
            With the first token the server stops answering those who show none. Tokens are kept in tokens.json in the data \
            folder, as salted hashes; a running server sees a change within a second.
            """,
        subcommands: [TokenCreateCommand.self, TokenListCommand.self, TokenRevokeCommand.self])
}
