import Foundation
import Tensor
import TestSupport
import Testing

/// What the first bytes of a file say, whatever its name.
@Suite struct TensorFileTests {
    @Test func namesCountForNothing() throws {
        let folder = try TemporaryDirectory()
        try Safetensors.write([("x", Tensor(1))], metadata: [:], to: folder.file("model.pth"))
        #expect(try TensorFileFormat.open(path: folder.file("model.pth")).format == .safetensors)
        let torch = try Data(contentsOf: URL(filePath: Fixtures.path("checkpoints/tiny.pth")))
        try torch.write(to: URL(filePath: folder.file("model.safetensors")))
        #expect(try TensorFileFormat.open(path: folder.file("model.safetensors")).format == .torch)
    }

    @Test func oldPyTorchFilesSayHowToConvert() {
        let error = #expect(throws: TensorFileError.legacyTorch) {
            try TensorFileFormat.open(path: Fixtures.path("checkpoints/legacy.pth"))
        }
        #expect(error?.description.contains("torch.save(torch.load(") == true)
    }

    @Test(arguments: [
        ("version https://git-lfs.github.com/spec/v1\n", "Git LFS"), ("<!DOCTYPE html><html>", "web page"),
        ("GGUF\u{3}\u{0}\u{0}\u{0}", "GGUF"), ("something else", "73 6f 6d 65"), ("{}", "7b 7d"),
    ])
    func otherFilesAreNamed(_ content: String, word: String) {
        let error = #expect(throws: TensorFileError.unrecognised(firstBytes: Array(content.utf8.prefix(8)))) {
            try TensorFileFormat.open(content: Array(content.utf8))
        }
        #expect(error?.description.contains(word) == true)
    }

    @Test func emptyAndAbsentFiles() throws {
        let folder = try TemporaryDirectory()
        #expect(throws: TensorFileError.empty) { try TensorFileFormat.open(content: []) }
        try Data().write(to: URL(filePath: folder.file("empty")))
        #expect(throws: TensorFileError.empty) { try TensorFileFormat.open(path: folder.file("empty")) }
        let absent = folder.file("absent")
        let error = #expect(throws: TensorFileError.system(call: "open", path: absent, code: 2)) {
            try TensorFileFormat.open(path: absent)
        }
        #expect(error?.description.contains(absent) == true)
        #expect(throws: TensorFileError.self) { try TensorFileFormat.open(path: folder.path) }
    }

    /// Half precision ends at 65504, and a model must not turn infinite on the way to its file.
    @Test func halfPrecisionRefusesWhatItCannotHold() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("a.safetensors")
        #expect(throws: SafetensorsError.tooLargeForHalf(tensor: "x", value: 70_000)) {
            try Safetensors.write([("x", Tensor(70_000))], metadata: [:], to: path, as: .float16)
        }
        #expect(listDirectory(folder.path).isEmpty)
        try Safetensors.write([("x", Tensor(65_504))], metadata: [:], to: path, as: .float16)
        #expect(try SafetensorsFile(path: path).tensor("x").scalar == 65_504)
    }
}
