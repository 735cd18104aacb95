import API
import ArgumentParser
import Client
import Foundation

/// What every client command needs: which server, and how to show its answers.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server's address (environment: GMISEG_SERVER; default: http://127.0.0.1:8080).",
            discussion: """
                With https:// the server's certificate must be vouched for by an authority of the system's, or of the file in \
                SSL_CERT_FILE. The environment's GMISEG_TOKEN is sent as the bearer token.
                """))
    var server: String?

    /// The server, as the option or the environment names it. A token comes from the environment (GMISEG_TOKEN) alone: on a command
    /// line every user of the machine could read it.
    func client() throws -> Client {
        let environment = ProcessInfo.processInfo.environment["GMISEG_SERVER"]
        var client = try Client(server ?? environment.flatMap { $0.isEmpty ? nil : $0 } ?? "http://127.0.0.1:8080")
        client.token = ProcessInfo.processInfo.environment["GMISEG_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        // The variable by which OpenSSL's own programs are told of further authorities.
        client.trust.authority = ProcessInfo.processInfo.environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        return client
    }
}

/// An answer that is an error, as a person reads it in a terminal.
struct ServerComplaint: Error, CustomStringConvertible {
    let response: ClientResponse

    var description: String {
        guard let problem = try? JSONParser.parse(response.body), let detail = problem["detail"]?.stringValue else {
            return "the server answered \(response.status): \(response.text.prefix(500))"
        }
        var text = detail
        if let field = problem["field"]?.stringValue { text += " (\(field))" }
        if let hint = hint(problem) { text += "\nhint: \(hint)" }
        return text
    }

    /// The server's own, but for that which says how curl sends a token.
    private func hint(_ problem: JSON) -> String? {
        guard response.status == 401 else { return problem["hint"]?.stringValue }
        return "set GMISEG_TOKEN to a valid token; the operator makes tokens with gmiseg token create"
    }
}

extension ClientResponse {
    /// The JSON of a successful answer; throws what the server complained about.
    func json() throws -> JSON {
        guard (200..<300).contains(status) else { throw ServerComplaint(response: self) }
        return try JSONParser.parse(body)
    }
}
