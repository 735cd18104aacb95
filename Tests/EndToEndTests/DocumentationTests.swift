import Foundation
import TestSupport
import Testing

/// What docs/ says is tested is tested: every suite, test and row that a page names is there.
@Suite struct DocumentationTests {
    /// The sources of all tests.
    private static func sources() throws -> [String] {
        let root = URL(filePath: Fixtures.repository("Tests"))
        let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        return try (files?.allObjects ?? []).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
    }

    @Test(arguments: ["docs/http.md", "docs/threat-model.md"]) func namesTestsThatAreThere(_ page: String) throws {
        let text = try String(contentsOfFile: Fixtures.repository(page), encoding: .utf8)
        let sources = try Self.sources()
        var count = 0
        for match in text.matches(of: #/`([A-Za-z]+Tests)(?:\.([A-Za-z]+))?`/#) {
            count += 1
            let files = sources.filter { $0.contains("struct \(match.1) ") }
            #expect(!files.isEmpty, "there is no suite \(match.1)")
            if let test = match.2 {
                #expect(files.contains { $0.contains("func \(test)(") }, "\(match.1) has no test \(test)")
            }
        }
        #expect(count > 20)
    }

    @Test func namesRowsThatAreThere() throws {
        let text = try String(contentsOfFile: Fixtures.repository("docs/http.md"), encoding: .utf8)
        let table = try #require(try Self.sources().first { $0.contains("@Suite struct RequestParserTests") })
        var count = 0
        for line in text.split(separator: "\n") {
            guard let start = line.range(of: "row") else { continue }
            for match in line[start.lowerBound...].matches(of: #/"([^"]+)"/#) {
                count += 1
                #expect(table.contains("\"\(match.1)\","), "there is no row \(match.1)")
            }
        }
        #expect(count > 30)
    }
}
