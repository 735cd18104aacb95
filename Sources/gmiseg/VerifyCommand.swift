import API
import ArgumentParser
import Client
import Foundation

/// `gmiseg verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Make an answer again from its receipt, and compare.",
        discussion: """
            The receipt is an answer of `gmiseg segment`, or its member "receipt", as a file. Exits with 0 when the masks are \
            the same bit for bit, and so are those in the answer. Scores and metrics in it are not looked at.
            """)

    @OptionGroup var options: ServerOptions

    @Argument(help: "The receipt, or the whole answer, as JSON.")
    var receipt: String

    @Argument(help: "The image that was segmented.")
    var image: String

    func run() throws {
        let form = [FormPart("receipt", file: receipt), FormPart("image", file: image)]
        let verdict = try options.client().post("/v1/verify", form: form).json()
        print(verdict.text(pretty: true))
        if verdict["matches"] != true { throw ExitCode.failure }
    }
}
