import Foundation
import Imaging
import TestSupport
import Testing

/// `gmiseg demo` on a folder of one's own, whose name a shell and curl's forms would each read in their own way.
struct DemoTests {
    @Test func runsOnAFolderOfAnyName() throws {
        let place = try Workplace()
        let examples = place.folder.file(#"it's "mine", or so; $HOME (2)"#)
        for (part, count) in [("support", 3), ("queries", 1)] {
            for kind in ["images", "masks"] {
                try FileManager.default.createDirectory(
                    atPath: "\(examples)/\(part)/\(kind)", withIntermediateDirectories: true)
            }
            for index in 0..<count {
                let picture = Picture.disc(x: 16 + 4 * index)
                try Data(picture.image).write(to: URL(filePath: "\(examples)/\(part)/images/a, b;\(index).png"))
                try Data(picture.mask).write(to: URL(filePath: "\(examples)/\(part)/masks/a, b;\(index).png"))
            }
        }
        try Data(#"{"name": "discs", "spacing_mm": [0.5, 0.5], "adaptation": {"steps": 2}}"#.utf8)
            .write(to: URL(filePath: "\(examples)/task.json"))

        let output = place.folder.file("overlays")
        let program = try Program(
            ["demo", "--examples", examples, "--output", output, "--model", place.model])
        let said = program.rest()
        #expect(program.exitStatus() == 0, "\(said)")
        for row in ["box", "point", "none"] {
            // Before and after, of three measures.
            let line = try #require(said.split(separator: "\n").last { $0.hasPrefix(row) })
            #expect(line.matches(of: /→/).count == 3, "\(line)")
        }
        let overlays = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(overlays == ["a, b;0.png"])
        #expect(try ImageDecoder.decode(path: "\(output)/a, b;0.png").width > 40)
    }

    /// Said at once, and not after minutes.
    @Test func aFolderForPicturesThatCannotBeMadeIsSaidFirst() throws {
        let place = try Workplace()
        let program = try Program(
            [
                "demo", "--examples", Fixtures.repository("examples/cardiac"), "--output", "/dev/null/demo", "--model",
                place.model,
            ], errorFile: place.folder.file("errors"))
        #expect(!program.rest().contains("GMISeg listens"))
        #expect(program.exitStatus() != 0 && program.errors().contains("/dev/null/demo"), "\(program.errors())")
    }

    @Test func aFolderWithoutATaskIsNamed() throws {
        let place = try Workplace()
        let errors = place.folder.file("errors")
        let program = try Program(["demo", "--examples", place.folder.file("nothing")], errorFile: errors)
        _ = program.rest()
        #expect(program.exitStatus() == 64)
        #expect(program.errors().contains("nothing/task.json: run the demo from the repository's root"))
    }
}
