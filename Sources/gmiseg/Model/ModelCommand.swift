import ArgumentParser

/// `gmiseg model`.
struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Get, check, convert and list model files.",
        subcommands: [
            ModelInspectCommand.self, ModelVerifyCommand.self, ModelConvertCommand.self, ModelPullCommand.self,
            ModelListCommand.self,
        ])

    /// The file that `name` means: a path, or the name of a model that is there.
    static func path(named name: String?) throws -> String {
        guard let path = Installation().model(named: name) else {
            throw ValidationError("no model found: give a file, or set GMISEG_HOME to the folder that has models/")
        }
        return path
    }
}
