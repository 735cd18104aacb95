import API
import ArgumentParser
import Client

/// `gmiseg task list`.
struct TaskListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the server's tasks, newest first.")

    @OptionGroup var options: ServerOptions

    @Flag(help: "Print the server's JSON, one task a line.")
    var json = false

    func run() throws {
        let client = try options.client()
        var after: String?
        repeat {
            let page = try client.get("/v1/tasks?limit=200" + (after.map { "&after=\($0)" } ?? "")).json()
            for task in page["tasks"]?.elements ?? [] { print(json ? task.text() : Self.line(task)) }
            after = page["next"]?.stringValue
        } while after != nil
    }

    private static func line(_ task: JSON) -> String {
        let columns = [
            task["id"]?.stringValue, task["state"]?.stringValue, task["tier"]?.stringValue,
            task["support_count"]?.integerValue.map { "\($0) examples" }, task["name"]?.stringValue,
        ]
        return columns.map { $0 ?? "-" }.joined(separator: "\t")
    }
}
