import API
import Adaptation
import Storage
import Testing

@Suite struct TaskRequestTests {
    private func request(_ text: String) throws -> TaskRequest {
        try TaskRequest(try JSONParser.parse(Array(text.utf8)), path: "task")
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let json: String
        let kind: ProblemKind
        let field: String
        let nearest: String?
        init(_ json: String, _ kind: ProblemKind, _ field: String, nearest: String? = nil) {
            (self.json, self.kind, self.field, self.nearest) = (json, kind, field, nearest)
        }
        var testDescription: String { json }
    }

    static let refused = [
        Row("{}", .missingField, "task.name"),
        Row(#"{"name": null}"#, .missingField, "task.name"),
        Row(#"{"name": ""}"#, .invalidValue, "task.name"),
        Row(#"{"name": " \n"}"#, .invalidValue, "task.name"),
        Row(#"{"name": 3}"#, .invalidValue, "task.name"),
        Row("{\"name\": \"\(String(repeating: "x", count: 201))\"}", .invalidValue, "task.name"),
        Row(#"{"nmae": "heart"}"#, .unknownField, "task.nmae", nearest: "name"),
        Row(#"{"name": "h", "spacing": 1}"#, .unknownField, "task.spacing", nearest: "spacing_mm"),
        Row(#"{"name": "h", "labels": "a"}"#, .invalidValue, "task.labels"),
        Row(#"{"name": "h", "labels": ["a", "b", "a"]}"#, .invalidValue, "task.labels[2]"),
        Row(#"{"name": "h", "labels": ["a", " "]}"#, .invalidValue, "task.labels[1]"),
        Row(#"{"name": "h", "labels": {"1": "a", "2": "a"}}"#, .invalidValue, "task.labels.2"),
        Row(#"{"name": "h", "labels": {"1": "a", "01": "b"}}"#, .invalidValue, "task.labels.01"),
        Row(#"{"name": "h", "labels": {"0": "background", "1": "a"}}"#, .invalidValue, "task.labels.0"),
        Row(#"{"name": "h", "labels": {"256": "a"}}"#, .invalidValue, "task.labels.256"),
        Row(#"{"name": "h", "labels": {"left": "a"}}"#, .invalidValue, "task.labels.left"),
        Row(#"{"name": "h", "labels": {"2": ["a"]}}"#, .invalidValue, "task.labels.2"),
        Row(
            "{\"name\": \"h\", \"labels\": [\((0..<255).map { "\"\($0)\"" }.joined(separator: ","))]}", .tooLarge,
            "task.labels"),
        Row(#"{"name": "h", "labels": [1]}"#, .invalidValue, "task.labels[0]"),
        Row(#"{"name": "h", "spacing_mm": "1"}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": []}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": [1]}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": [1, 2, 3]}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": [1, null]}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": [1, -1]}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": 0}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "spacing_mm": 1e300}"#, .invalidValue, "task.spacing_mm"),
        Row(#"{"name": "h", "adapter": []}"#, .invalidValue, "task.adapter"),
        Row(#"{"name": "h", "adapter": {"kind": "loar"}}"#, .invalidValue, "task.adapter.kind"),
        Row(#"{"name": "h", "adapter": {"rang": 4}}"#, .unknownField, "task.adapter.rang", nearest: "rank"),
        Row(#"{"name": "h", "adapter": {"rank": 0}}"#, .invalidValue, "task.adapter.rank"),
        Row(#"{"name": "h", "adapter": {"rank": 4.5}}"#, .invalidValue, "task.adapter.rank"),
        Row(#"{"name": "h", "adapter": {"alpha": -1}}"#, .invalidValue, "task.adapter.alpha"),
        Row(#"{"name": "h", "adaptation": {"steps": 0}}"#, .invalidValue, "task.adaptation.steps"),
        Row(#"{"name": "h", "adaptation": {"steps": 1e18}}"#, .invalidValue, "task.adaptation.steps"),
        Row(#"{"name": "h", "adaptation": {"learning_rate": 2}}"#, .invalidValue, "task.adaptation.learning_rate"),
        Row(
            #"{"name": "h", "adaptation": {"lerning_rate": 2}}"#, .unknownField, "task.adaptation.lerning_rate",
            nearest: "learning_rate"),
        Row(#"{"name": "h", "adaptation": {"budget_seconds": 0}}"#, .invalidValue, "task.adaptation.budget_seconds"),
        Row(#"{"name": "h", "adaptation": {"gate_margin": 2}}"#, .invalidValue, "task.adaptation.gate_margin"),
        Row(#"{"name": "h", "adaptation": {"ensemble": 3}}"#, .invalidValue, "task.adaptation.ensemble"),
        Row(#"{"name": "h", "patients": ["a"]}"#, .invalidValue, "task.patients"),
        Row(#"{"name": "h", "patients": {"a": 1}}"#, .invalidValue, "task.patients.a"),
        Row(#"{"name": "h", "adaptation": {"seed": -1}}"#, .invalidValue, "task.adaptation.seed"),
        Row(#"{"name": "h", "adaptation": {"seed": true}}"#, .invalidValue, "task.adaptation.seed"),
    ]

    @Test(arguments: refused) func refuses(_ row: Row) throws {
        let problem = #expect(throws: Problem.self) { try request(row.json) }
        #expect(problem?.kind == row.kind)
        #expect(problem?.field == row.field)
        #expect(problem?.json["nearest"]?.stringValue == row.nearest)
        #expect(problem?.hint?.isEmpty == false)
    }

    @Test func readsEverything() throws {
        let task = try request(
            """
            {"name": "heart", "labels": ["ventricle"], "spacing_mm": [1.4, 0.7], "model": "mini",
             "adapter": {"kind": "lora+decoder", "rank": 8, "last_blocks": 2},
             "adaptation": {"steps": 9, "learning_rate": 0.01, "decoder_learning_rate": 0.002, "weight_decay": 0.1,
                            "images_per_step": 3, "augmented_views": 2, "cache_bytes": 1000, "tiles": 96, "seed": 5}}
            """)
        #expect(task.name == "heart")
        #expect(task.labels?.labels.map(\.name) == ["ventricle"])
        #expect(task.spacing?.json == [1.4, 0.7])
        #expect(task.model == "mini")
        #expect(task.recipe.settings.kind == .loraDecoder)
        #expect(task.recipe.settings.rank == 8)
        #expect(task.recipe.settings.alpha == 8)
        #expect(task.recipe.settings.lastBlocks == 2)
        #expect(task.recipe.settings.steps == 9)
        #expect(task.recipe.settings.learningRate == 0.01)
        #expect(task.recipe.settings.decoderLearningRate == 0.002)
        #expect(task.recipe.settings.weightDecay == 0.1)
        #expect(task.recipe.settings.imagesPerStep == 3)
        #expect(task.recipe.settings.augmentedViews == 2)
        #expect(task.recipe.settings.cacheBytes == 1_000)
        #expect(task.recipe.settings.tileSide == 96)
        #expect(task.recipe.settings.seed == 5)
    }

    @Test func labelsHaveTheirNumbersOrThoseOfTheirPlaces() throws {
        let named = try #require(try request(#"{"name": "h", "labels": {"7": "wall", "2": "cavity"}}"#).labels)
        #expect(named.labels.map(\.value) == [2, 7] && named.labels.map(\.name) == ["cavity", "wall"])
        #expect(!named.isBinary && named.count == 2)
        let listed = try #require(try request(#"{"name": "h", "labels": ["cavity", "wall"]}"#).labels)
        #expect(listed.labels.map(\.value) == [1, 2] && !listed.isBinary)
        // One label numbered 1 is what black and white masks mark; any other number is a label map's.
        #expect(try request(#"{"name": "h", "labels": {"1": "a"}}"#).labels?.isBinary == true)
        #expect(try request(#"{"name": "h", "labels": {"3": "a"}}"#).labels?.isBinary == false)
        #expect(try request(#"{"name": "h", "labels": []}"#).labels == nil)
    }

    @Test func oneNumberIsSquareSpacing() throws {
        #expect(try request(#"{"name": "h", "spacing_mm": 0.7}"#).spacing?.json == [0.7, 0.7])
    }

    @Test func recipesSurviveTheirOwnJSON() throws {
        var chosen = Recipe(fixed: [.kind, .steps, .learningRate])
        chosen.settings.kind = .lora
        chosen.settings.learningRate = 0.0003
        chosen.settings.steps = 11
        chosen.settings.seed = 12345
        chosen.settings.lastBlocks = 3
        chosen.budgetSeconds = 300
        chosen.margin = 0.02
        var cut = chosen
        cut.settings.tileSide = 128
        cut.fixed.insert(.tiles)
        for recipe in [chosen, cut, Recipe(fixed: [.tiles]), Recipe()] {
            let (adapter, adaptation) = recipe.json
            #expect(try Recipe(adapter: adapter, adaptation: adaptation) == recipe)
        }
    }

    @Test func whatIsLeftOutIsChosenByTheJob() throws {
        #expect(try request(#"{"name": "h"}"#).recipe == Recipe())
        #expect(try request(#"{"name": "h", "adapter": {"kind": "auto"}}"#).recipe == Recipe())
        #expect(try request(#"{"name": "h", "adaptation": {"tiles": "auto"}}"#).recipe == Recipe())
        #expect(try request(#"{"name": "h", "adaptation": {"tiles": "off"}}"#).recipe == Recipe(fixed: [.tiles]))
        #expect(Recipe().json.adapter["kind"] == "auto")
        #expect(Recipe().json.adaptation["steps"] == .null)
        #expect(try request(#"{"name": "h", "adapter": {"kind": "decoder"}}"#).recipe.fixed == [.kind])
        // Whoever asks for the encoder's last blocks has chosen a kind that adapts it.
        let deep = try request(#"{"name": "h", "adapter": {"last_blocks": 2}}"#).recipe
        #expect(deep.settings.kind == .loraDecoder && deep.fixed == [.kind])
    }

    @Test func readsPatients() throws {
        #expect(try request(#"{"name": "h", "patients": {"a": "1", "b": "1"}}"#).patients == ["a": "1", "b": "1"])
    }
}
