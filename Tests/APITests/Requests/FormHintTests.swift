import API
import HTTP
import Server
import Testing

/// What people send in place of what they mean is told as such.
@Suite struct FormHintTests {
    private func hint(_ name: String, _ text: String) throws -> String? {
        let part = Part(head: PartHead(name: name), content: .memory(Array(text.utf8)))
        let form = try Form([part], single: [name])
        return #expect(throws: Problem.self) { try form.json(name) }?.hint
    }

    @Test(arguments: [
        ("task", "task.json", "-F task=@task.json"), ("multimask", "True", "write true"),
        ("flips", "FALSE", "write false"),
        ("spacing_mm", "1.4,1.4", "[1.4, 1.4]"), ("spacing_mm", "1.4mm", "[1.4, 1.4]"),
        ("prompts", " ", "leave the part out"),
        ("task", "{name: 1}", "double quotes"),
    ]) func namesWhatWasMeant(_ name: String, _ text: String, _ expected: String) throws {
        let hint = try hint(name, text)
        #expect(hint?.contains(expected) == true, "\(hint ?? "none")")
    }
}
