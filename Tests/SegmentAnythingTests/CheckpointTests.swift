import Foundation
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// Checkpoints as others write them: formats, names, sizes.
@Suite struct CheckpointTests {
    private static let torch = Fixtures.path("checkpoints/tiny.pth")
    private static let transformers = Fixtures.path("checkpoints/tiny-transformers.safetensors")

    @Test func recognisesFormatAndNames() throws {
        let torch = try Checkpoint(path: Self.torch)
        #expect(torch.file.format == .torch && torch.scheme == .original && torch.source == .metadata)
        #expect(torch.extraTensors == ["module.image_encoder.adapter.weight"])
        #expect(torch.configuration.name == "fixture-checkpoint")
        #expect(torch.elementTypes().map(\.type) == [.float32, .float16])
        #expect(torch.elementTypes().map(\.count) == [torch.configuration.parameterSizes.count - 1, 1])
        let transformers = try Checkpoint(path: Self.transformers)
        #expect(transformers.file.format == .safetensors && transformers.scheme == .transformers)
        #expect(transformers.extraTensors == [])
        #expect(transformers.configuration == torch.configuration)
    }

    /// The same model under both names: the same weights, hence the same embedding and logits, bit for bit.
    @Test func transformersNamesMeanTheSame() throws {
        let one = try SegmentAnythingModel(path: Self.torch)
        let other = try SegmentAnythingModel(path: Self.transformers)
        #expect(one.parameterNames == other.parameterNames)
        for name in one.parameterNames {
            #expect(one.parameter(name).tensor.elements == other.parameter(name).tensor.elements, "\(name)")
        }
        let prompt = Prompt(points: [Prompt.Point(x: 5, y: 4, isForeground: true)])
        let answers = try [one, other].map { model in
            let predictor = Predictor(model)
            let embedding = predictor.embed(testImage(width: 30, height: 21))
            let mask = try predictor.predict(embedding, [prompt])[0][0]
            return (embedding.tensor.elements, mask.lowResolutionLogits.elements)
        }
        #expect(answers[0].0 == answers[1].0)
        #expect(answers[0].1 == answers[1].1)
    }

    private func write(
        _ folder: TemporaryDirectory, _ configuration: Configuration, metadata: [String: String] = [:],
        _ change: (inout [String: Tensor]) -> Void = { _ in }
    ) throws -> String {
        let model = SegmentAnythingModel(configuration: configuration, randomSeed: 3)
        var tensors: [String: Tensor] = [:]
        for name in model.parameterNames { tensors[name] = model.parameter(name).tensor }
        change(&tensors)
        let path = folder.file("model.safetensors")
        try Safetensors.write(tensors.map { (name: $0.key, tensor: $0.value) }, metadata: metadata, to: path)
        return path
    }

    /// A small encoder with the decoder of every published model.
    private static let small = Configuration(
        name: "sam-24x3", imageSize: 64, patchSize: 8, width: 24, depth: 3, heads: 3, mlpRatio: 2, globalBlocks: [1],
        window: 3, decoderMLP: 32, iouHeadHidden: 16)

    /// Every size is told from shapes alone, as long as the decoder has its usual channels.
    @Test(arguments: 0..<4) func sizesAreRecognised(_ variant: Int) throws {
        var expected = Self.small
        switch variant {
        case 1: (expected.globalBlocks, expected.window) = ([0, 1, 2], 0)
        case 2: (expected.decoderDepth, expected.multimaskOutputs, expected.maskInputChannels) = (1, 2, 8)
        case 3: (expected.iouHeadDepth, expected.mlpRatio, expected.heads) = (2, 4, 4)
        default: break
        }
        let folder = try TemporaryDirectory()
        var written = expected
        written.name = "written"
        let checkpoint = try Checkpoint(path: try write(folder, written))
        #expect(checkpoint.source == .shapes)
        #expect(checkpoint.configuration == expected)
    }

    /// The official models keep their names, as MedSAM does, whose encoder has ViT-B's shapes.
    @Test func wrappedAndExtraTensors() throws {
        let folder = try TemporaryDirectory()
        let path = try write(folder, Self.small) { tensors in
            tensors = Dictionary(uniqueKeysWithValues: tensors.map { ("module." + $0.key, $0.value) })
            tensors["pixel_mean"] = Tensor(zeros: [3, 1, 1])
        }
        let checkpoint = try Checkpoint(path: path)
        #expect(checkpoint.extraTensors == ["pixel_mean"])
        #expect(try SegmentAnythingModel(checkpoint).parameterNames.allSatisfy { !$0.hasPrefix("module.") })
    }

    @Test func decoderHeadsCannotBeGuessed() throws {
        let folder = try TemporaryDirectory()
        var configuration = Self.small
        (configuration.embeddingChannels, configuration.decoderHeads) = (128, 4)
        let path = try write(folder, configuration)
        let error = #expect(throws: ModelError.self) { try Checkpoint(path: path) }
        guard case .invalidConfiguration("decoder_heads", _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let told = try write(folder, configuration, metadata: [Configuration.metadataKey: configuration.json])
        #expect(try Checkpoint(path: told).configuration == configuration)
    }

    @Test func whatIsWrongIsNamed() throws {
        let folder = try TemporaryDirectory()
        let table = "image_encoder.blocks.2.attn.rel_pos_h"
        let hidden = "image_encoder.blocks.0.mlp.lin1.weight"
        let query = "mask_decoder.transformer.layers.0.self_attn.q_proj.weight"
        let cases: [((inout [String: Tensor]) -> Void, (ModelError) -> Bool)] = [
            (
                { $0[table] = Tensor(zeros: [4, 8]) },
                { if case .invalidConfiguration(table, _, "4") = $0 { true } else { false } }
            ),
            (
                { $0[table] = Tensor(zeros: [7, 8]) },
                { if case .invalidConfiguration(table, _, "7") = $0 { true } else { false } }
            ),
            ({ $0[table] = nil }, { $0 == .missingTensor(table) }),
            (
                { $0[hidden] = Tensor(zeros: [50, 24]) },
                { if case .invalidConfiguration("mlp_ratio", _, "50") = $0 { true } else { false } }
            ),
            ({ $0[query] = nil }, { $0 == .missingTensor(query) }),
            (
                { $0[query] = Tensor(zeros: [256, 255]) },
                { $0 == .shapeMismatch(tensor: query, expected: [256, 256], found: [256, 255]) }
            ),
            (
                { $0["module." + query] = $0[query] },
                { $0 == .ambiguousTensor(query, found: [query, "module." + query].sorted()) }
            ),
        ]
        for (index, (change, isExpected)) in cases.enumerated() {
            let path = try write(folder, Self.small, change)
            let error = #expect(throws: ModelError.self, "case \(index)") { try Checkpoint(path: path) }
            if let error { #expect(isExpected(error), "case \(index): \(error)") }
        }
    }

    @Test(arguments: [Float.nan, .infinity]) func nonFiniteWeightsAreNamedAsInTheFile(_ value: Float) throws {
        let folder = try TemporaryDirectory()
        let path = try write(folder, Self.small) { tensors in
            tensors = Dictionary(uniqueKeysWithValues: tensors.map { ("module." + $0.key, $0.value) })
            tensors["module.image_encoder.neck.1.bias"] = Tensor(filled: value, shape: [256])
        }
        let checkpoint = try Checkpoint(path: path)
        #expect(throws: ModelError.nonFinite(tensor: "module.image_encoder.neck.1.bias")) {
            try SegmentAnythingModel(checkpoint)
        }
    }

    @Test func formatErrorsNameTheFile() throws {
        let error = #expect(throws: ModelError.self) { try Checkpoint(path: Fixtures.path("checkpoints/legacy.pth")) }
        #expect("\(try #require(error))".contains("legacy.pth"))
        #expect("\(try #require(error))".contains("before version 1.6"))
    }

    /// Converted, a checkpoint has the original names, and gives the same model without its first file.
    @Test func conversionKeepsTheModel() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("converted.safetensors")
        let model = try SegmentAnythingModel(path: Self.transformers)
        try model.write(to: path, as: .float32, adding: ["gmiseg.source_sha256": model.sha256])
        let converted = try Checkpoint(path: path)
        #expect(converted.scheme == .original)
        #expect(converted.file.names == model.parameterNames)
        #expect(converted.metadata["gmiseg.source_sha256"] == model.sha256)
        let loaded = try SegmentAnythingModel(converted)
        for name in model.parameterNames {
            #expect(loaded.parameter(name).tensor.elements == model.parameter(name).tensor.elements, "\(name)")
        }
    }

    @Test func officialCheckpointsAreTheThreeSizes() {
        #expect(OfficialCheckpoint.all.map(\.name) == [Configuration.vitB, .vitL, .vitH].map(\.name))
        for official in OfficialCheckpoint.all {
            #expect(official.sha256.count == 64)
            #expect(official.address.hasPrefix("https://"))
            let weights = [Configuration.vitB, .vitL, .vitH].first { $0.name == official.name }?.parameterSizes.values
                .reduce(0, +)
            // Single precision, and what archive and index take.
            #expect((1.0...1.01).contains(Double(official.byteCount) / Double(4 * (weights ?? 1))))
        }
    }
}
