import Foundation
import Tensor
import TestSupport
import Testing

/// What can be read, and how.
@Suite struct TorchFileTests {
    private let values: [Float] = [0, 1, 2, 3, 4, 5]

    private func open(_ view: Pickle.View, data: [UInt8]? = nil, shift: Int = 0) throws -> any TensorFile {
        var archive = TorchArchive(
            pickle: Pickle.stateDict([("x", view)]), storages: [("0", data ?? [UInt8](floats: values))])
        archive.align(to: 64, shift: shift)
        return try TensorFileFormat.open(content: archive.bytes)
    }

    /// What PyTorch wrote: wrapped, with a transposed view, a half precision tensor, optimizer state and a configuration.
    @Test func readsWhatPyTorchWrites() throws {
        let file = try TensorFileFormat.open(path: Fixtures.path("checkpoints/tiny.pth"))
        let other = try SafetensorsFile(path: Fixtures.path("checkpoints/tiny-transformers.safetensors"))
        #expect(file.format == .torch)
        #expect(file.metadata.keys.sorted() == ["gmiseg.configuration"])
        try file.verifyChecksums()
        let half = "module.image_encoder.blocks.0.mlp.lin1.weight"
        let view = "module.image_encoder.blocks.1.mlp.lin2.weight"
        #expect(file.elementType(of: half) == .float16)
        #expect(try file.tensor(half).elements == other.tensor("vision_encoder.layers.0.mlp.lin1.weight").elements)
        #expect(file.shape(of: view) == [12, 24])
        #expect(try file.tensor(view).elements == other.tensor("vision_encoder.layers.1.mlp.lin2.weight").elements)
        #expect(file.shape(of: "module.image_encoder.adapter.weight") == [2, 3])
        #expect(file.names.allSatisfy { $0.hasPrefix("module.") })
    }

    struct Layout: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let shape, strides: [Int]
        var offset = 0
        let expected: [Float]
    }

    static let layouts = [
        Layout(testDescription: "row-major", shape: [2, 3], strides: [3, 1], expected: [0, 1, 2, 3, 4, 5]),
        Layout(testDescription: "transposed", shape: [3, 2], strides: [1, 3], expected: [0, 3, 1, 4, 2, 5]),
        Layout(testDescription: "a part", shape: [2], strides: [1], offset: 4, expected: [4, 5]),
        Layout(testDescription: "every second", shape: [3], strides: [2], offset: 1, expected: [1, 3, 5]),
        Layout(testDescription: "one shown twice", shape: [2, 2], strides: [0, 1], expected: [0, 1, 0, 1]),
        Layout(
            testDescription: "strides of single rows say nothing", shape: [1, 6], strides: [99, 1],
            expected: [0, 1, 2, 3, 4, 5]),
        Layout(testDescription: "scalar", shape: [], strides: [], offset: 5, expected: [5]),
        Layout(testDescription: "empty", shape: [0, 4], strides: [4, 1], offset: 6, expected: []),
    ]

    @Test(arguments: layouts, [0, 1, 2]) func stridesAndOffsets(_ layout: Layout, shift: Int) throws {
        let view = Pickle.View(count: 6, offset: layout.offset, shape: layout.shape, strides: layout.strides)
        let tensor = try open(view, shift: shift).tensor("x")
        #expect(tensor.shape == layout.shape)
        #expect(tensor.elements == layout.expected)
    }

    @Test(arguments: ["Half", "BFloat16", "Double", "Float"]) func floatingPointTypes(_ type: String) throws {
        let data: [UInt8] =
            switch type {
            case "Half": values.flatMap { withUnsafeBytes(of: Float16($0), Array.init) }
            case "BFloat16": values.flatMap { withUnsafeBytes(of: UInt16($0.bitPattern >> 16), Array.init) }
            case "Double": values.flatMap { withUnsafeBytes(of: Double($0), Array.init) }
            default: [UInt8](floats: values)
            }
        for strides in [[3, 1], [1, 2]] {
            let view = Pickle.View(type: type + "Storage", count: 6, shape: [2, 3], strides: strides)
            let expected = strides == [3, 1] ? values : [0, 2, 4, 1, 3, 5]
            #expect(try open(view, data: data).tensor("x").elements == expected)
        }
    }

    @Test func integersAreListedAndNotRead() throws {
        let view = Pickle.View(type: "LongStorage", count: 3, shape: [3], strides: [1])
        let file = try open(view)
        #expect(file.shape(of: "x") == [3])
        #expect(file.elementType(of: "x") == .int64)
        #expect(throws: TorchFileError.notFloatingPoint(tensor: "x", found: "I64")) { try file.tensor("x") }
        #expect(throws: TorchFileError.missing(tensor: "y")) { try file.tensor("y") }
    }

    /// Aligned single precision stays in the mapping: a file that changes under it shows that nothing was copied.
    @Test func singlePrecisionIsNotCopied() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("a.pth")
        let bytes = TorchArchive(
            pickle: Pickle.stateDict([("x", Pickle.View(count: 6, shape: [6], strides: [1]))]),
            storages: [("0", [UInt8](floats: values))]
        ).bytes
        try Data(bytes).write(to: URL(filePath: path))
        let tensor = try TensorFileFormat.open(path: path).tensor("x")
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        let place = try #require(Data(bytes).firstRange(of: Data([UInt8](floats: values)))).lowerBound
        #expect(place.isMultiple(of: 64))
        try handle.seek(toOffset: UInt64(place))
        try handle.write(contentsOf: Data([UInt8](floats: [42])))
        try handle.close()
        #expect(tensor.elements == [42, 1, 2, 3, 4, 5])
    }

    @Test(arguments: ["", "sam/", "deep/er/"]) func folderNamesAreFree(_ folder: String) throws {
        let archive = TorchArchive(
            pickle: Pickle.stateDict([("x", Pickle.View(count: 6, shape: [6], strides: [1]))]),
            storages: [("0", [UInt8](floats: values))], folder: folder)
        #expect(try TensorFileFormat.open(content: archive.bytes).tensor("x").elements == values)
    }

    @Test func withoutWideRecords() throws {
        var archive = TorchArchive(
            pickle: Pickle.stateDict([("x", Pickle.View(count: 6, shape: [6], strides: [1]))]),
            storages: [("0", [UInt8](floats: values))])
        archive.hasWideRecords = false
        #expect(try TensorFileFormat.open(content: archive.bytes).tensor("x").elements == values)
    }

    /// The wrappers of training scripts, also one in another; and texts beside the state dict.
    @Test(arguments: [["model"], ["state_dict"], ["model_state_dict"], ["state_dict", "model"]])
    func wrappers(_ path: [String]) throws {
        let tensor = Pickle.tensor(Pickle.View(count: 6, shape: [6], strides: [1]))
        var content = Pickle.dictionary([(Pickle.text("x"), tensor), (Pickle.text("step"), Pickle.integer(3))])
        for key in path.reversed() {
            content = Pickle.dictionary([
                (Pickle.text("note"), Pickle.text("by hand")), (Pickle.integer(1), [0x4E]), (Pickle.text(key), content),
            ])
        }
        let archive = TorchArchive(
            pickle: Pickle.start + content + Pickle.stop, storages: [("0", [UInt8](floats: values))])
        let file = try TensorFileFormat.open(content: archive.bytes)
        #expect(file.names == ["x"])
        #expect(file.metadata == ["note": "by hand"])
    }

    /// Protocol 4 as `torch.save(..., pickle_protocol=4)` writes it: frames, short texts, and a memo without numbers.
    @Test func newerProtocols() throws {
        func short(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) + [0x94] }
        let function = short("torch._utils") + short("_rebuild_tensor_v2") + [0x93, 0x94]
        let type = short("torch") + short("FloatStorage") + [0x93]
        let storage = Pickle.mark + short("storage") + type + short("0") + short("cpu") + [0x4B, 6, 0x74, 0x51]
        let shape: [UInt8] = [0x4D, 6, 0, 0x85]
        let ordered = short("collections") + short("OrderedDict") + [0x93, 0x29, 0x52]
        let tensor =
            function + Pickle.mark + storage + [0x4B, 0] + shape + [0x4B, 1, 0x85, 0x89] + ordered + [0x74, 0x52]
        let content = [0x7D, 0x94] + short("x") + tensor + [0x73]
        let pickle = [0x80, 4, 0x95] + TorchArchive.number(content.count, 8) + content + Pickle.stop
        let archive = TorchArchive(pickle: pickle, storages: [("0", [UInt8](floats: values))])
        #expect(try TensorFileFormat.open(content: archive.bytes).tensor("x").elements == values)
    }

    /// Of one, seven, eight, nine and many bytes: the fast checksum takes eight at a time.
    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 1_000]) func checksums(_ count: Int) throws {
        let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
        var archive = TorchArchive(
            pickle: Pickle.stateDict([
                ("x", Pickle.View(type: "ByteStorage", count: count, shape: [count], strides: [1]))
            ]),
            storages: [("0", data)])
        try TensorFileFormat.open(content: archive.bytes).verifyChecksums()
        let right = TorchArchive.checksum(data)
        archive.entries[2].checksum = right ^ 1
        let file = try TensorFileFormat.open(content: archive.bytes)
        let error = ZipError.checksum(entry: "archive/data/0", expected: right ^ 1, found: right)
        #expect(throws: TorchFileError.archive(error)) { try file.verifyChecksums() }
    }

    @Test func checksumIsTheStandardOne() {
        // The check value of CRC-32/ISO-HDLC.
        #expect(TorchArchive.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    }
}
