import API
import ArgumentParser
import Foundation

/// `gmiseg receipts`: needs no server.
struct ReceiptsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "Make a table, or a paragraph for a paper, from answers that were kept.",
        discussion: """
            Prints CSV, a row for each mask; with --methods one paragraph for each way in which the answers were made.
            """)

    @Argument(help: "Answers of `gmiseg segment` or POST …/segment, as JSON files.")
    var answers: [String]

    @Flag(help: "Print the methods paragraph instead of the table.")
    var methods = false

    func run() throws {
        let answers = try answers.map { path in
            let answer = try JSONParser.parse(Array(Data(contentsOf: URL(filePath: path))))
            guard answer["receipt"] != nil else { throw ValidationError("\(path) is no answer: it has no receipt") }
            return answer
        }
        guard methods else {
            print(AnswerTable.csv(answers), terminator: "")
            return
        }
        var counts: [(text: String, count: Int)] = []
        for answer in answers {
            let text = MethodsParagraph.text(answer["receipt"] ?? .null)
            if let known = counts.firstIndex(where: { $0.text == text }) {
                counts[known].count += 1
            } else {
                counts.append((text, 1))
            }
        }
        for (text, count) in counts { print("(\(count) image\(count == 1 ? "" : "s")) \(text)\n") }
    }
}
