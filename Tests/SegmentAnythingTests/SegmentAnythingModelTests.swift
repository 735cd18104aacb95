import Cryptography
import Foundation
import SegmentAnything
import Tensor
import TestSupport
import Testing

@Suite struct SegmentAnythingModelTests {
    /// Writes the tensors of a random tiny model after `change`.
    private func write(
        _ directory: TemporaryDirectory, metadata: [String: String]? = nil,
        _ change: (inout [String: Tensor]) -> Void = { _ in }
    ) throws -> String {
        let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)
        var tensors: [String: Tensor] = [:]
        for name in model.parameterNames { tensors[name] = model.parameter(name).tensor }
        change(&tensors)
        let path = directory.file("model.safetensors")
        try Safetensors.write(
            tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) },
            metadata: metadata ?? [Configuration.metadataKey: Configuration.tiny.json], to: path, as: .float32)
        return path
    }

    @Test func fileGivesBackTheModel() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("model.safetensors")
        let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)
        try model.write(to: path, as: .float32)
        let loaded = try SegmentAnythingModel(path: path)
        #expect(loaded.configuration == .tiny)
        #expect(loaded.parameterNames == model.parameterNames)
        for name in model.parameterNames {
            #expect(loaded.parameter(name).tensor.elements == model.parameter(name).tensor.elements, "\(name)")
            #expect(!loaded.parameter(name).requiresGradient)
        }
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(loaded.sha256 == SHA256.hex(bytes))
    }

    /// The same shapes as the official checkpoints: parameters and the prompt encoder's frequencies, counted in PyTorch.
    @Test(arguments: [(Configuration.vitB, 314, 93_735_728), (.vitL, 482, 312_343_088), (.vitH, 594, 641_090_864)])
    func officialModelsHaveTheirSize(_ configuration: Configuration, tensors: Int, weights: Int) {
        #expect(configuration.parameterSizes.count == tensors)
        #expect(configuration.parameterSizes.values.reduce(0, +) == weights)
    }

    @Test func missingTensorIsNamed() throws {
        let directory = try TemporaryDirectory()
        let name = "mask_decoder.transformer.layers.1.self_attn.q_proj.bias"
        let path = try write(directory) { $0[name] = nil }
        #expect(throws: ModelError.missingTensor(name)) { try SegmentAnythingModel(path: path) }
    }

    @Test func wrongShapeIsNamed() throws {
        let directory = try TemporaryDirectory()
        let name = "image_encoder.blocks.2.attn.qkv.weight"
        let path = try write(directory) { $0[name] = Tensor(zeros: [16, 48]) }
        #expect(throws: ModelError.shapeMismatch(tensor: name, expected: [48, 16], found: [16, 48])) {
            try SegmentAnythingModel(path: path)
        }
    }

    /// Their length is free, their width is not.
    @Test(arguments: [([9, 8], true), ([1, 8], true), ([7, 4], false), ([56], false), ([0, 8], false)])
    func positionTablesMayHaveAnotherLength(_ shape: [Int], isAccepted: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = try write(directory) { $0["image_encoder.blocks.1.attn.rel_pos_h"] = Tensor(zeros: shape) }
        if isAccepted {
            let embedding = Predictor(try SegmentAnythingModel(path: path)).embed(testImage(width: 9, height: 7))
            #expect(embedding.tensor.isFinite)
        } else {
            #expect(throws: ModelError.self) { try SegmentAnythingModel(path: path) }
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func nonFiniteWeightIsRefused(_ value: Float) throws {
        let directory = try TemporaryDirectory()
        let name = "image_encoder.neck.3.bias"
        let path = try write(directory) { tensors in
            var elements = [Float](repeating: 0, count: 16)
            elements[11] = value
            tensors[name] = Tensor(shape: [16], elements)
        }
        #expect(throws: ModelError.nonFinite(tensor: name)) { try SegmentAnythingModel(path: path) }
    }

    /// Shapes tell the size of everything but the decoder's heads, and those only where every published model agrees.
    @Test func unknownSizeWithoutMetadataIsRefused() throws {
        let directory = try TemporaryDirectory()
        let path = try write(directory, metadata: [:])
        let error = #expect(throws: ModelError.self) { try SegmentAnythingModel(path: path) }
        #expect("\(error as Any)".contains("decoder_heads"))
    }

    @Test func configurationOfAnotherModelIsRefused() throws {
        let directory = try TemporaryDirectory()
        let path = try write(directory, metadata: [Configuration.metadataKey: Configuration.vitB.json])
        #expect(throws: ModelError.self) { try SegmentAnythingModel(path: path) }
    }

    @Test(arguments: [0, 4, 8, 200, 9_000]) func truncatedFileIsRefused(_ count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = try write(directory)
        let whole = try Data(contentsOf: URL(filePath: path))
        try whole.prefix(count).write(to: URL(filePath: path))
        let error = #expect(throws: ModelError.self) { try SegmentAnythingModel(path: path) }
        guard case .unreadable(path, _) = error else {
            Issue.record("\(String(describing: error)) is not unreadable")
            return
        }
    }

    @Test func absentFileIsRefused() throws {
        #expect(throws: ModelError.self) { try SegmentAnythingModel(path: "/nonexistent/model.safetensors") }
    }

    @Test func halfPrecisionFileLoads() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("half.safetensors")
        let model = SegmentAnythingModel(configuration: .tiny, randomSeed: 3)
        try model.write(to: path, as: .float16)
        let loaded = try SegmentAnythingModel(path: path)
        let name = "image_encoder.blocks.0.mlp.lin1.weight"
        let expected = model.parameter(name).tensor.elements.map { Float(Float16($0)) }
        #expect(loaded.parameter(name).tensor.elements == expected)
    }

    @Test func randomWeightsFollowTheSeed() {
        let (one, same, other) = (
            SegmentAnythingModel(configuration: .tiny, randomSeed: 1),
            SegmentAnythingModel(configuration: .tiny, randomSeed: 1),
            SegmentAnythingModel(configuration: .tiny, randomSeed: 2)
        )
        let name = "image_encoder.patch_embed.proj.weight"
        #expect(one.parameter(name).tensor.elements == same.parameter(name).tensor.elements)
        #expect(one.parameter(name).tensor.elements != other.parameter(name).tensor.elements)
        #expect(one.sha256 == same.sha256)
        #expect(one.sha256 != other.sha256)
    }
}
