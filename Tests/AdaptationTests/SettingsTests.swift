import Adaptation
import SegmentAnything
import Testing

@Suite struct SettingsTests {
    struct Row: NamedRow, CustomTestStringConvertible {
        let name: String
        let field: String
        let change: @Sendable (inout AdaptationSettings) -> Void
        var testDescription: String { name }
    }

    static let refused = [
        Row(name: "rank 0", field: "adapter.rank") { $0.rank = 0 },
        Row(name: "rank 65", field: "adapter.rank") { $0.rank = 65 },
        Row(name: "alpha 0", field: "adapter.alpha") { $0.alpha = 0 },
        Row(name: "alpha NaN", field: "adapter.alpha") { $0.alpha = .nan },
        Row(name: "alpha infinite", field: "adapter.alpha") { $0.alpha = .infinity },
        Row(name: "no last block", field: "adapter.last_blocks") {
            $0.kind = .lora
            $0.lastBlocks = 0
        },
        Row(name: "more last blocks than blocks", field: "adapter.last_blocks") {
            $0.kind = .lora
            $0.lastBlocks = Configuration.tiny.depth + 1
        },
        Row(name: "last blocks without LoRA", field: "adapter.last_blocks") {
            $0.kind = .decoder
            $0.lastBlocks = 1
        },
        Row(name: "no step", field: "adaptation.steps") { $0.steps = 0 },
        Row(name: "too many steps", field: "adaptation.steps") { $0.steps = 10_001 },
        Row(name: "learning rate 0", field: "adaptation.learning_rate") { $0.learningRate = 0 },
        Row(name: "learning rate negative", field: "adaptation.learning_rate") { $0.learningRate = -1e-3 },
        Row(name: "decoder rate above 1", field: "adaptation.decoder_learning_rate") { $0.decoderLearningRate = 1.5 },
        Row(name: "weight decay negative", field: "adaptation.weight_decay") { $0.weightDecay = -0.1 },
        Row(name: "weight decay NaN", field: "adaptation.weight_decay") { $0.weightDecay = .nan },
        Row(name: "no image per step", field: "adaptation.images_per_step") { $0.imagesPerStep = 0 },
        Row(name: "no view", field: "adaptation.augmented_views") { $0.augmentedViews = 0 },
        Row(name: "negative cache", field: "adaptation.cache_bytes") { $0.cacheBytes = -1 },
    ]

    @Test(arguments: refused) func namesTheFieldThatIsOutOfRange(_ row: Row) {
        var settings = AdaptationSettings()
        row.change(&settings)
        let error = #expect(throws: SettingsError.self) { try settings.validate(for: .tiny) }
        #expect(error?.field == row.field)
        #expect(error?.description.contains("must be") == true)
    }

    @Test(arguments: AdapterKind.allCases) func takesTheDefaultsOfEveryKind(_ kind: AdapterKind) throws {
        for configuration in [Configuration.tiny, .vitB, .vitL, .vitH] {
            try AdaptationSettings(kind: kind).validate(for: configuration)
        }
        #expect(AdaptationSettings(kind: kind, rank: 8).alpha == 8)
    }

    @Test func takesTheBoundsThemselves() throws {
        try AdaptationSettings(
            kind: .lora, rank: 64, alpha: 1_024, lastBlocks: Configuration.tiny.depth, steps: 10_000, learningRate: 1,
            decoderLearningRate: 1, weightDecay: 1, imagesPerStep: 64, augmentedViews: 64, cacheBytes: 0
        ).validate(for: .tiny)
    }
}
