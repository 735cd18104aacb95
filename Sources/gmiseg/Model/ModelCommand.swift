import ArgumentParser

/// `gmiseg model`.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Get, check, convert and list model files.",
        subcommands: [
            ModelInspectCommand.self, ModelVerifyCommand.self, ModelConvertCommand.self, ModelPullCommand.self,
            ModelListCommand.self,
        ])
}
