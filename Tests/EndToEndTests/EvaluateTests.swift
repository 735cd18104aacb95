import Foundation
import Imaging
import TestSupport
import Testing

/// `gmiseg evaluate` as a script sees it: its exit status and its files.
struct EvaluateTests {
    @Test func exitStatusTellsWhatHappened() throws {
        let place = try Workplace()
        let folder = place.folder
        for name in ["data/discs/images", "data/discs/masks"] {
            try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        }
        for index in 0..<3 {
            let picture = Picture.disc(x: 16 + 5 * index)
            try Data(picture.image).write(to: URL(filePath: folder.file("data/discs/images/\(index).png")))
            try Data(picture.mask).write(to: URL(filePath: folder.file("data/discs/masks/\(index).png")))
        }
        func evaluate(_ options: String..., output: String = "results") throws -> Int32 {
            let command = ["evaluate", folder.file("data"), "--model", place.model, "--output", folder.file(output)]
            let program = try Program(command + ["--prompts", "box,none", "--baselines"] + options)
            _ = program.rest()
            return program.exitStatus()
        }
        // A millionth of a minute is over before the first image: a report of nothing, then the rest of it.
        #expect(try evaluate("--time-budget", "0.000001") == 4)
        #expect(try evaluate() == 0)
        for name in ["results.csv", "summary.csv", "summary.json", "report.html", "journal.jsonl"] {
            #expect(FileManager.default.fileExists(atPath: folder.file("results/\(name)")), "\(name)")
        }
        let rows = try String(contentsOfFile: folder.file("results/results.csv"), encoding: .utf8)
        // Per image: box, ellipse, filled box, grid; none, whole image, grid.
        #expect(rows.components(separatedBy: "\r\n").count == 1 + 3 * 7 + 1)

        #expect(try evaluate("--seed", "1") == 1)
        #expect(try evaluate("--prompts", "circle", output: "other") == 64)
        #expect(try evaluate("--learning-rate", "0", output: "other") == 64)
        #expect(try evaluate("--decoder-learning-rate", "nan", output: "other") == 64)
        #expect(try evaluate("--rank", "65", output: "other") == 64)
        #expect(try evaluate("--patient-pattern", "no group", output: "other") == 64)

        for (option, words) in [
            ("--prompts", "\"point\" is none of box, exact-box, 1-point, centre-point, 3-points, 1+4, none"),
            ("--adapters", "\"point\" is none of lora, decoder, lora+decoder, pooled"),
            ("--support", "\"point\" is none of the numbers from 0 to 4096"),
        ] {
            let unknown = try Program(
                ["evaluate", folder.file("data"), option, "point"], errorFile: folder.file("complaint"))
            #expect(unknown.exitStatus() == 64)
            #expect(unknown.errors().contains("\(option): \(words)"), "\(unknown.errors())")
        }

        try Data("no image".utf8).write(to: URL(filePath: folder.file("data/discs/masks/odd.png")))
        #expect(try evaluate(output: "other") == 3)
        #expect(
            try String(contentsOfFile: folder.file("other/report.html"), encoding: .utf8)
                .contains("there is no image with this stem"))
    }
}
