import API
import ArgumentParser
import Client

/// `gmiseg task show`.
struct TaskShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Print a task as JSON.")

    @OptionGroup var options: ServerOptions

    @Argument(help: "The task's id.")
    var task: String

    func run() throws {
        print(try options.client().get("/v1/tasks/\(pathSegment(task))").json().text(pretty: true))
    }
}
