import API
import Client
import Foundation
import SegmentAnything
import Tensor
import TestSupport
import Testing

/// `gmiseg model`, on the checkpoint that PyTorch wrote.
@Suite(.serialized) struct ModelCommandTests {
    private static let torch = Fixtures.path("checkpoints/tiny.pth")
    private static let reference = Fixtures.path("checkpoints/tiny-reference.safetensors")

    private func run(_ arguments: String..., environment: [String: String] = [:]) throws -> (
        text: String, status: Int32
    ) {
        let program = try Program(["model"] + arguments, environment: environment)
        return (program.rest(), program.exitStatus())
    }

    @Test func inspects() throws {
        let json = try run("inspect", Self.torch, "--json")
        let description = try JSONParser.parse(Array(json.text.utf8))
        #expect(json.status == 0)
        #expect(description["format"]?.stringValue == "torch")
        #expect(description["names"]?.stringValue == "original")
        #expect(description["sha256"]?.stringValue?.count == 64)
        #expect(description["types"]?["F16"]?.integerValue == 1)
        #expect(description["extra_tensors"]?[0]?["name"]?.stringValue == "module.image_encoder.adapter.weight")
        let text = try run("inspect", Self.torch).text
        #expect(text.contains("1, ignored\n  ") && text.contains("fixture-checkpoint"))
        #expect(try run("inspect", "/nonexistent.pth").status != 0)
    }

    /// Images of four shapes, one of 16 bit, and three kinds of prompt, as PyTorch answered them.
    @Test func verifiesAgainstPyTorch() throws {
        let verified = try run("verify", Self.torch, "--against", Self.reference)
        #expect(verified.status == 0, "\(verified.text)")
        #expect(verified.text.contains("16-bit"))
        #expect(!verified.text.contains("FAILED"))
        #expect(verified.text.split(separator: "\n").count { $0.hasPrefix("ok") } == 4 + 4 * 4)
    }

    @Test func convertsWithoutChangingAnswers() throws {
        let folder = try TemporaryDirectory()
        let (single, half) = (folder.file("single.safetensors"), folder.file("half.safetensors"))
        #expect(try run("convert", Self.torch, single).status == 0)
        #expect(try run("verify", single, "--against", Self.reference).status == 0)
        #expect(try run("convert", Self.torch, half, "--half").status == 0)
        #expect(try run("verify", half).status == 0)
        // Rounded to 11 bits, the answers are others: the comparison is not for show.
        let rounded = try run("verify", half, "--against", Self.reference)
        #expect(rounded.status == 1)
        #expect(rounded.text.contains("FAILED"))
        #expect(listDirectory(folder.path) == ["half.safetensors", "single.safetensors"])
    }

    @Test func findsDamage() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("damaged.pth")
        var bytes = try Data(contentsOf: URL(filePath: Self.torch))
        let weights = try TensorFileFormat.open(path: Self.torch).tensor("module.image_encoder.pos_embed").elements
        let place = try #require(
            bytes.firstRange(of: Data(weights.prefix(8).flatMap { withUnsafeBytes(of: $0, Array.init) })))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: URL(filePath: path))
        let damaged = try run("verify", path)
        #expect(damaged.status == 1)
        #expect(damaged.text.contains("FAILED checksums") && damaged.text.contains("CRC-32"))
        try bytes.prefix(bytes.count / 2).write(to: URL(filePath: path))
        let cut = try run("verify", path)
        #expect(cut.status == 1)
        #expect(cut.text.contains("damaged.pth") && cut.text.contains("truncated"))
        // Named like an official file, it must be that.
        let official = folder.file("sam_vit_b_01ec64.pth")
        try FileManager.default.copyItem(atPath: Self.torch, toPath: official)
        #expect(try run("verify", official).text.contains("FAILED identity"))
    }

    @Test func anotherModelsRecordingIsRefused() throws {
        let place = try Workplace()
        #expect(try run("verify", place.model).status == 0)
        #expect(try run("verify", place.model, "--against", Self.reference).status != 0)
        #expect(try run("verify", Self.torch, "--against", place.model).status != 0)
    }

    @Test func servesCheckpointsAsTheyAre() throws {
        for path in [Self.torch, Fixtures.path("checkpoints/tiny-transformers.safetensors")] {
            var place = try Workplace()
            place.model = path
            let (server, client) = try place.serve()
            let models = try JSONParser.parse(client.get("/v1/models").body)
            #expect(models["models"]?[0]?["name"]?.stringValue == "fixture-checkpoint")
            #expect(server.terminate() == 0)
        }
    }
}
