import API
import ArgumentParser
import Foundation

/// `gmiseg receipts`: needs no server.
struct ReceiptsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "Make a table, or a paragraph for a paper, from answers that were kept.",
        discussion: """
            Prints CSV, a row for each mask, with the answer's file first; with --methods one paragraph for each way in which the answers were made.

            A file that is no answer is named on standard error and left out; the exit status is then 1.
            """)

    @Argument(help: "Answers of `gmiseg segment` or POST …/segment, as JSON files.")
    var answers: [String]

    @Flag(help: "Print the methods paragraph instead of the table.")
    var methods = false

    func run() throws {
        let sound = answers.compactMap { path in Self.answer(path).map { (file: path, answer: $0) } }
        if methods {
            Self.printMethods(sound.map(\.answer))
        } else {
            print(AnswerTable.csv(files: sound), terminator: "")
        }
        if sound.count < answers.count { throw ExitCode.failure }
    }

    /// The answer that the file holds; nil, once it is said why, when it holds none.
    private static func answer(_ path: String) -> JSON? {
        do {
            let answer = try JSON.parse(Array(Data(contentsOf: URL(filePath: path))), field: path)
            if answer["receipt"] != nil { return answer }
            complain("\(path): it is no answer: it has no receipt")
        } catch let problem as Problem {
            complain("\(path): it is no answer: \(problem.detail)")
        } catch {
            complain("\(path): it cannot be read: \(error.localizedDescription)")
        }
        return nil
    }

    private static func printMethods(_ answers: [JSON]) {
        // In the order in which they came.
        var made: [(text: String, pixels: [String])] = []
        for answer in answers {
            let text = MethodsParagraph.text(answer["receipt"] ?? .null)
            let pixels = answer["receipt"]?["pixels_sha256"]?.stringValue ?? ""
            if let known = made.firstIndex(where: { $0.text == text }) {
                made[known].pixels.append(pixels)
            } else {
                made.append((text, [pixels]))
            }
        }
        for (text, pixels) in made {
            let (images, answers) = (Set(pixels).count, pixels.count)
            let asked = answers == images ? "" : ", \(answers) answers"
            print("(\(images) image\(images == 1 ? "" : "s")\(asked)) \(text)\n")
        }
    }
}
