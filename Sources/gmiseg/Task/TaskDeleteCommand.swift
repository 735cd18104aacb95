import API
import ArgumentParser
import Client

/// `gmiseg task delete`.
struct TaskDeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a task with its images, masks, jobs and adapters.")

    @OptionGroup var options: ServerOptions

    @Argument(help: "The task's id.")
    var task: String

    func run() throws {
        let answer = try options.client().delete("/v1/tasks/\(pathSegment(task))").json()
        complain(
            "deleted \(task): \(answer["files"]?.integerValue ?? 0) files, \(answer["bytes"]?.integerValue ?? 0) bytes")
    }
}
