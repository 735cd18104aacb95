import API
import ArgumentParser
import Storage

/// `gmiseg token list`.
struct TokenListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the tokens, without their secrets.")

    @OptionGroup var data: DataOption

    func run() throws {
        for token in try TokenFile(dataFolder: data.folder).load() {
            let columns = [
                token.id, token.owner, token.scope.rawValue, "created \(token.created.rfc3339)",
                "expires \(token.expires?.rfc3339 ?? "never")",
            ]
            print(columns.joined(separator: "\t"))
        }
    }
}
