import ArgumentParser

/// `gmiseg task`: define tasks on a running server.
struct TaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "task", abstract: "Create, list, show, wait for and delete tasks.",
        subcommands: [
            TaskCreateCommand.self, TaskListCommand.self, TaskShowCommand.self, TaskWaitCommand.self,
            TaskDeleteCommand.self,
        ])
}
