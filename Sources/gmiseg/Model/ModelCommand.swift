import ArgumentParser

/// `gmiseg model`.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Look at model files.",
        subcommands: [ModelInspectCommand.self, ModelListCommand.self, ModelVerifyCommand.self])
}
