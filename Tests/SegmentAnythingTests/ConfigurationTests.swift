import SegmentAnything
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [Configuration.vitB, .vitL, .vitH, .tiny]) func survivesJSON(_ configuration: Configuration) throws
    {
        try configuration.validate()
        #expect(try Configuration(json: configuration.json) == configuration)
    }

    @Test func readsTheKeysOfModelFiles() throws {
        let json = """
            {"name":"gmiseg-mini","image_size":256,"patch_size":8,"width":160,"depth":6,"heads":5,"mlp_ratio":4,
            "global_blocks":[2,5],"window":8,"embedding_channels":128,"mask_input_channels":16,"decoder_depth":2,
            "decoder_heads":8,"decoder_mlp":1024,"multimask_outputs":3,"iou_head_depth":3,"iou_head_hidden":128,
            "a key of a later version":true}
            """
        let configuration = try Configuration(json: json)
        #expect(configuration.name == "gmiseg-mini")
        #expect(configuration.globalBlocks == [2, 5])
        #expect(configuration.grid == 32)
        #expect(configuration.logitsSide == 128)
        #expect(configuration.maskCount == 4)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let field: String
        let change: @Sendable (inout Configuration) -> Void
        var testDescription: String { field }

        init(_ field: String, _ change: @escaping @Sendable (inout Configuration) -> Void) {
            self.field = field
            self.change = change
        }
    }

    static let rows = [
        Row("image_size") { $0.imageSize = 0 },
        Row("image_size") { $0.imageSize = .max },
        Row("patch_size") { $0.patchSize = 0 },
        Row("patch_size") { $0.patchSize = 33 },
        Row("patch_size") {
            $0.imageSize = 1024
            $0.patchSize = 2
        },
        Row("width") { $0.width = -16 },
        Row("depth") { $0.depth = 0 },
        Row("heads") { $0.heads = 3 },
        Row("heads") { $0.heads = 0 },
        Row("mlp_ratio") { $0.mlpRatio = 0 },
        Row("mlp_ratio") { ($0.width, $0.mlpRatio) = (8192, 16) },
        Row("image_size") { ($0.imageSize, $0.patchSize, $0.focusedBoxes) = (8, 4, true) },
        Row("global_blocks") { $0.globalBlocks = [3] },
        Row("global_blocks") { $0.globalBlocks = [-1] },
        Row("window") { $0.window = -1 },
        Row("embedding_channels") { $0.embeddingChannels = 12 },
        Row("mask_input_channels") { $0.maskInputChannels = 6 },
        Row("decoder_depth") { $0.decoderDepth = 0 },
        Row("decoder_heads") { $0.decoderHeads = 3 },
        Row("decoder_heads") { $0.decoderHeads = 0 },
        Row("decoder_mlp") { $0.decoderMLP = 0 },
        Row("multimask_outputs") { $0.multimaskOutputs = 0 },
        Row("iou_head_depth") { $0.iouHeadDepth = 0 },
        Row("iou_head_hidden") { $0.iouHeadHidden = 0 },
        Row("box_prior") { $0.boxPrior = -0.1 },
        Row("box_prior") { $0.boxPrior = 2.1 },
        Row("appearance") { $0.appearance = -0.1 },
        Row("appearance") { $0.appearance = 2.1 },
    ]

    @Test(arguments: rows) func refusesImpossibleSizes(_ row: Row) throws {
        var configuration = Configuration.tiny
        row.change(&configuration)
        let error = #expect(throws: ModelError.self) { try configuration.validate() }
        guard case .invalidConfiguration(let field, _, _) = error else {
            Issue.record("\(String(describing: error)) is no invalidConfiguration")
            return
        }
        #expect(field == row.field)
        #expect(throws: ModelError.self) { try Configuration(json: configuration.json) }
    }

    @Test func namesTheFieldThatJSONLacksOrMistypes() throws {
        let whole = Configuration.tiny.json
        let lacking = whole.replacingText("\"depth\":3,", with: "")
        let mistyped = whole.replacingText("\"depth\":3", with: "\"depth\":\"three\"")
        #expect(lacking != whole && mistyped != whole)
        for json in [lacking, mistyped] {
            let error = #expect(throws: ModelError.self) { try Configuration(json: json) }
            guard case .invalidConfiguration("depth", _, _) = error else {
                Issue.record("\(String(describing: error)) does not name depth")
                continue
            }
        }
        for json in ["", "[]", "{", "null", "7"] {
            #expect(throws: ModelError.self) { try Configuration(json: json) }
        }
    }
}

extension String {
    /// The text with the first `old` replaced by `new`.
    fileprivate func replacingText(_ old: String, with new: String) -> String {
        guard let range = self.firstRange(of: old) else { return self }
        return replacingCharacters(in: range, by: new)
    }

    private func replacingCharacters(in range: Range<String.Index>, by new: String) -> String {
        String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
    }
}
