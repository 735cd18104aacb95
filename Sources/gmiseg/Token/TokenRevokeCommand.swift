import API
import ArgumentParser

/// `gmiseg token revoke`.
struct TokenRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke tokens; a running server refuses them within a second.")

    @OptionGroup var data: DataOption

    @Argument(help: "Ids as gmiseg token list shows them.")
    var ids: [String]

    func run() throws {
        let file = TokenFile(dataFolder: data.folder)
        let known = Set(try file.load().map(\.id))
        if let unknown = ids.first(where: { !known.contains($0) }) {
            throw ValidationError("there is no token \(unknown): gmiseg token list shows them")
        }
        try file.update { tokens in tokens.removeAll { ids.contains($0.id) } }
    }
}
