import API
import ArgumentParser
import Client

/// `gmiseg task wait`.
struct TaskWaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until a task's adapter is ready, with a progress bar.",
        discussion: "Exits with 1 when the job failed or was cancelled.")

    @OptionGroup var options: ServerOptions

    @Argument(help: "The task's id.")
    var task: String

    func run() throws {
        let client = try options.client()
        let answer = try client.get("/v1/tasks/\(pathSegment(task))").json()
        guard let job = answer["job"]?.stringValue else { return complain("the task has no job to wait for") }
        try JobFollower(client: client).follow(job)
    }
}
