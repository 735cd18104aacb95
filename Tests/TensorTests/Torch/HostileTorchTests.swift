import Foundation
import Tensor
import TestSupport
import Testing

/// Files that were made to harm, or damaged: each is refused with its place.
@Suite struct HostileTorchTests {
    private static let view = Pickle.View(count: 6, shape: [6], strides: [1])
    private static let data = [UInt8](floats: [0, 1, 2, 3, 4, 5])

    private static func archive(pickle: [UInt8]) -> TorchArchive {
        TorchArchive(pickle: pickle, storages: [("0", data)])
    }

    private static let good = archive(pickle: Pickle.stateDict([("x", view)]))

    // MARK: Pickles

    struct BadPickle: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let pickle: [UInt8]
        let expected: PickleError

        init(_ name: String, _ pickle: [UInt8], _ expected: PickleError) {
            (testDescription, self.pickle, self.expected) = (name, pickle, expected)
        }
    }

    private static let start = Pickle.start

    static let pickles: [BadPickle] = [
        BadPickle(
            "os.system", start + Pickle.call(Pickle.global("os", "system"), [Pickle.text("true")]) + Pickle.stop,
            .global("os.system", offset: 2)),
        BadPickle("eval", start + Pickle.global("builtins", "eval") + Pickle.stop, .global("builtins.eval", offset: 2)),
        BadPickle(
            "a dtype", start + Pickle.global("torch", "float32") + Pickle.stop, .global("torch.float32", offset: 2)),
        BadPickle(
            "a name by the stack", start + Pickle.text("posix") + Pickle.text("system") + [0x93] + Pickle.stop,
            .global("posix.system", offset: 23)),
        BadPickle(
            "a name that is a number", start + [0x4B, 1, 0x4B, 2, 0x93],
            .unexpected(found: "something else", expected: "two names", offset: 6)),
        BadPickle(
            "REDUCE of a text", start + Pickle.call(Pickle.text("f"), []) + Pickle.stop,
            .unexpected(found: "a call of a str", expected: "a call that makes a tensor or an OrderedDict", offset: 10)),
        BadPickle(
            "REDUCE of a storage type", start + Pickle.call(Pickle.global("torch", "FloatStorage"), []) + Pickle.stop,
            .unexpected(
                found: "a call of a storage type (F32)", expected: "a call that makes a tensor or an OrderedDict",
                offset: 24)),
        BadPickle("INST", start + [0x28, 0x69] + Array("os\nsystem\n".utf8), .opcode("INST", offset: 3)),
        BadPickle("OBJ", start + [0x28, 0x6F], .opcode("OBJ", offset: 3)),
        BadPickle("NEWOBJ", start + [0x81], .opcode("NEWOBJ", offset: 2)),
        BadPickle("EXT1", start + [0x82, 1], .opcode("EXT1", offset: 2)),
        BadPickle("DUP", start + [0x5D, 0x32], .opcode("DUP", offset: 3)),
        BadPickle("LONG4", start + [0x8B, 0xFF, 0xFF, 0xFF, 0x7F], .opcode("LONG4", offset: 2)),
        BadPickle("no instruction at all", start + [0xFE], .opcode("0xfe", offset: 2)),
        BadPickle("a huge LONG1", start + [0x8A, 255], .integer(bytes: 255, offset: 2)),
        BadPickle("a text beyond the end", start + [0x58, 0xFF, 0xFF, 0xFF, 0xFF, 0x61], .truncated(offset: 2)),
        BadPickle(
            "a text of 2^64 - 1 bytes", start + [0x8D] + [UInt8](repeating: 255, count: 8), .truncated(offset: 2)),
        BadPickle("a text that is none", start + [0x58, 1, 0, 0, 0, 0xFF], .text(offset: 2)),
        BadPickle("a name without end", start + [0x63] + Array("os".utf8), .truncated(offset: 2)),
        BadPickle("protocol 1", [0x80, 1, 0x2E], .protocolVersion(1, offset: 0)),
        BadPickle("protocol 6", [0x80, 6, 0x2E], .protocolVersion(6, offset: 0)),
        BadPickle("nothing on the stack", start + Pickle.stop, .emptyStack(opcode: "STOP", offset: 2)),
        BadPickle("taking from below a mark", start + [0x5D, 0x28, 0x85], .emptyStack(opcode: "TUPLE1", offset: 4)),
        BadPickle("no mark", start + [0x5D, 0x74], .emptyStack(opcode: "TUPLE", offset: 3)),
        BadPickle("nothing to append to", start + [0x28, 0x4E, 0x65], .emptyStack(opcode: "APPENDS", offset: 4)),
        BadPickle(
            "appending to a number", start + [0x4B, 1, 0x4E, 0x61],
            .unexpected(found: "an int", expected: "a list", offset: 5)),
        BadPickle(
            "a key without a value", start + [0x7D, 0x28, 0x4E, 0x75],
            .unexpected(found: "a key without a value", expected: "pairs", offset: 5)),
        BadPickle(
            "state for a list", start + [0x5D, 0x7D, 0x62],
            .unexpected(found: "a list", expected: "an OrderedDict", offset: 4)),
        BadPickle(
            "an empty place of the memo", start + [0x6A, 0xFF, 0xFF, 0xFF, 0xFF], .memo(index: 0xFFFF_FFFF, offset: 2)),
        BadPickle(
            "a storage of negative size", start + Pickle.storage("FloatStorage", key: "0", count: -1),
            .unexpected(found: "a tuple", expected: "('storage', type, key, device, count)", offset: 60)),
        BadPickle(
            "a persistent id of another kind", start + [0x4B, 1, 0x51],
            .unexpected(found: "an int", expected: "('storage', type, key, device, count)", offset: 4)),
        BadPickle("no end", start + [0x4E], .truncated(offset: 3)),
    ]

    @Test(arguments: pickles) func refusesPickle(_ bad: BadPickle) {
        #expect(throws: TorchFileError.pickle(entry: "archive/data.pkl", bad.expected)) {
            try TensorFileFormat.open(content: Self.archive(pickle: bad.pickle).bytes)
        }
    }

    /// Structures that a recursive reader would die of, and a memo that would grow with its numbers.
    @Test(arguments: ["lists", "tuples", "a list in itself", "marks", "memo"]) func bombs(_ name: String) {
        let deep = 300_000
        let content: [UInt8] =
            switch name {
            case "lists": [UInt8](repeating: 0x5D, count: deep) + [UInt8](repeating: 0x61, count: deep - 1)
            case "tuples": [0x29] + [UInt8](repeating: 0x85, count: deep)
            case "a list in itself": [0x5D, 0x71, 0, 0x68, 0, 0x61]
            case "marks": [0x4E] + [UInt8](repeating: 0x28, count: deep) + [UInt8](repeating: 0x74, count: deep)
            default:
                [0x29] + (0..<40_000).flatMap { [0x72] + TorchArchive.number(Int(UInt32.max) - $0, 4) }
            }
        let error = #expect(throws: TorchFileError.self) {
            try TensorFileFormat.open(content: Self.archive(pickle: Self.start + content + Pickle.stop).bytes)
        }
        guard case .noTensors = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func hugeIndexIsNotRead() {
        let archive = Self.archive(pickle: [UInt8](repeating: 0x28, count: 8 << 20 | 1))
        #expect(throws: TorchFileError.indexTooLarge(bytes: 8 << 20 | 1, limit: 8 << 20)) {
            try TensorFileFormat.open(content: archive.bytes)
        }
    }

    // MARK: Tensors

    struct BadView: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let view: Pickle.View
        let expected: TorchFileError

        init(_ name: String, _ view: Pickle.View, _ expected: TorchFileError) {
            (testDescription, self.view, self.expected) = (name, view, expected)
        }
    }

    private static func outside(_ view: Pickle.View) -> TorchFileError {
        .viewOutside(tensor: "x", shape: view.shape, strides: view.strides, offset: view.offset, storage: view.count)
    }

    static let views: [BadView] = {
        let beyond: [(String, Pickle.View)] = [
            ("one too many", Pickle.View(count: 6, shape: [7], strides: [1])),
            ("an offset too far", Pickle.View(count: 6, offset: 1, shape: [6], strides: [1])),
            ("a stride too long", Pickle.View(count: 6, shape: [2, 3], strides: [4, 1])),
            ("a huge expanded shape", Pickle.View(count: 6, shape: [1 << 40], strides: [0])),
            ("a huge stride", Pickle.View(count: 6, shape: [2], strides: [.max])),
            ("a huge offset", Pickle.View(count: 6, offset: .max, shape: [2], strides: [1])),
            ("a scalar of an empty storage", Pickle.View(count: 0, shape: [], strides: [])),
        ]
        let others = [
            BadView(
                "an overflowing shape", Pickle.View(count: 6, shape: [1 << 62, 4], strides: [0, 0]),
                .shapeTooLarge(tensor: "x")),
            BadView(
                "an overflowing empty shape", Pickle.View(count: 6, shape: [1 << 62, 4, 0], strides: [0, 0, 0]),
                .shapeTooLarge(tensor: "x")),
            BadView(
                "an overflowing storage", Pickle.View(count: .max, shape: [1], strides: [1]),
                .shapeTooLarge(tensor: "x")),
            BadView(
                "a storage larger than its entry", Pickle.View(count: 7, shape: [7], strides: [1]),
                .storageTooSmall(tensor: "x", entry: "archive/data/0", needed: 28, found: 24)),
            BadView(
                "a storage of a wider type", Pickle.View(type: "DoubleStorage", count: 6, shape: [6], strides: [1]),
                .storageTooSmall(tensor: "x", entry: "archive/data/0", needed: 48, found: 24)),
            BadView(
                "an absent storage", Pickle.View(key: "../0", count: 6, shape: [6], strides: [1]),
                .missingStorage(tensor: "x", entry: "archive/data/../0")),
        ]
        return beyond.map { BadView($0.0, $0.1, outside($0.1)) } + others
    }()

    @Test(arguments: views) func refusesView(_ bad: BadView) {
        #expect(throws: bad.expected) {
            try TensorFileFormat.open(content: Self.archive(pickle: Pickle.stateDict([("x", bad.view)])).bytes)
        }
    }

    /// The same bytes as a thousand tensors: reading them would take a thousand times the file's size.
    @Test func viewsMayNotMultiplyTheFile() throws {
        let names = (0..<1_000).map { "x\($0)" }
        let large = [UInt8](repeating: 0, count: 4 * 100_000)
        let view = Pickle.View(count: 100_000, shape: [100_000], strides: [1])
        let archive = TorchArchive(pickle: Pickle.stateDict(names.map { ($0, view) }), storages: [("0", large)])
        let error = #expect(throws: TorchFileError.self) { try TensorFileFormat.open(content: archive.bytes) }
        guard case .viewsExceedFile = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let tied = TorchArchive(pickle: Pickle.stateDict([("a", view), ("b", view)]), storages: [("0", large)])
        #expect(try TensorFileFormat.open(content: tied.bytes).names == ["a", "b"])
    }

    @Test func otherContents() {
        let cases: [([UInt8], TorchFileError)] = [
            (Pickle.integer(3), .noTensors(found: "an int")),
            ([0x7D], .noTensors(found: "an empty dict")),
            (Pickle.dictionary([(Pickle.text("a"), Pickle.integer(1))]), .noTensors(found: "a dict with the keys a")),
            (Pickle.tensor(Self.view), .noTensors(found: "a tensor")),
            // A dict that wraps itself.
            (
                [0x7D, 0x71, 0] + Pickle.text("model") + [0x68, 0, 0x73],
                .noTensors(found: "a dict with the keys model")
            ),
            (
                Pickle.dictionary([
                    (Pickle.text("a"), Pickle.tensor(Self.view)), (Pickle.text("a"), Pickle.tensor(Self.view)),
                ]),
                .duplicate(tensor: "a")
            ),
        ]
        for (content, expected) in cases {
            #expect(throws: expected) {
                try TensorFileFormat.open(content: Self.archive(pickle: Self.start + content + Pickle.stop).bytes)
            }
        }
    }

    // MARK: Archives

    @Test func entriesThatTorchDoesNotWrite() {
        var compressed = Self.good
        compressed.entries[2].method = 8
        var encrypted = Self.good
        encrypted.entries[2].flags |= 1
        var twice = Self.good
        twice.entries.append(twice.entries[2])
        var damaged = Self.good
        damaged.entries[0].checksum = 0
        let right = TorchArchive.checksum(damaged.entries[0].data)
        var bigEndian = Self.good
        bigEndian.entries[1].data = Array("big".utf8)
        var indices = Self.good
        indices.entries.append(TorchArchive.Entry(name: "other/data.pkl", data: []))
        let noIndex = TorchArchive(pickle: []).entries.dropFirst()
        var none = Self.good
        none.entries = Array(noIndex)
        let cases: [(TorchArchive, TorchFileError)] = [
            (compressed, .archive(.compressed(entry: "archive/data/0", method: 8))),
            (encrypted, .archive(.encrypted(entry: "archive/data/0"))),
            (twice, .archive(.duplicate(entry: "archive/data/0"))),
            (damaged, .archive(.checksum(entry: "archive/data.pkl", expected: 0, found: right))),
            (bigEndian, .byteOrder("big")),
            (indices, .severalIndices(["archive/data.pkl", "other/data.pkl"])),
            (none, .noIndex),
        ]
        for (archive, expected) in cases {
            #expect(throws: expected) { try TensorFileFormat.open(content: archive.bytes) }
        }
    }

    @Test func liesOfTheDirectory() throws {
        let (bytes, places) = Self.good.build()
        let name = "archive/data/0"
        let central = try #require(places.central[name])
        let local = try #require(places.local[name])
        let other = try #require(places.local["archive/byteorder"])
        let directory = try #require(places.central["archive/data.pkl"])
        let count = bytes.count
        let cases: [(String, [UInt8], ZipError)] = [
            ("no end", Array(bytes.dropLast()), .noEndRecord),
            ("bytes behind the end", bytes + [0], .noEndRecord),
            ("several disks", bytes.patched(places.end + 4, 1, 2), .severalDisks(offset: places.end + 4)),
            (
                "counts that differ", bytes.patched(places.end + 8, 2, 2),
                .inconsistent(field: "count", offset: places.end + 8)
            ),
            (
                "a zip64 place beyond the file", bytes.patched(places.locator + 8, count, 8),
                .inconsistent(field: "place of zip64 end record", offset: places.locator + 8)
            ),
            (
                "a zip64 place beyond 2^63", bytes.patched(places.locator + 8, -1, 8),
                .inconsistent(field: "place of zip64 end record", offset: places.locator + 8)
            ),
            (
                "a zip64 place elsewhere", bytes.patched(places.locator + 8, 0, 8),
                .badSignature(record: "zip64 end record", offset: 0)
            ),
            (
                "a zip64 size", bytes.patched(places.wideEnd + 4, 45, 8),
                .inconsistent(field: "size of zip64 end record", offset: places.wideEnd + 4)
            ),
            (
                "a zip64 count of 2^40",
                bytes.patched(places.wideEnd + 24, 1 << 40, 8).patched(places.wideEnd + 32, 1 << 40, 8),
                .inconsistent(field: "zip64 end record", offset: places.wideEnd)
            ),
            (
                "a count of 2^40 that nothing contradicts",
                bytes.patched(places.wideEnd + 24, 1 << 40, 8).patched(places.wideEnd + 32, 1 << 40, 8)
                    .patched(places.end + 8, 0xFFFF, 2).patched(places.end + 10, 0xFFFF, 2),
                .inconsistent(field: "count", offset: places.end + 10)
            ),
            (
                "a directory elsewhere", bytes.patched(places.wideEnd + 48, 0, 8).patched(places.end + 16, 0, 4),
                .inconsistent(field: "place of directory", offset: places.end + 12)
            ),
            (
                "no central header", bytes.patched(directory, 0, 4),
                .badSignature(record: "central header", offset: directory)
            ),
            (
                "a name beyond the directory", bytes.patched(central + 28, 0xFFFF, 2),
                .truncated(record: "central header", offset: central)
            ),
            ("a name that is none", bytes.patched(central + 46, 0xFF, 1), .badName(offset: central + 46)),
            ("two sizes", bytes.patched(central + 20, 23, 4), .inconsistent(field: "size", offset: central + 20)),
            (
                "an entry larger than the file",
                bytes.patched(central + 20, 1 << 30, 4).patched(central + 24, 1 << 30, 4),
                .outside(
                    entry: name, end: local + 30 + name.utf8.count + 4 + Self.good.entries[2].padding, limit: directory)
            ),
            (
                "a header beyond the file", bytes.patched(central + 42, count, 4),
                .outside(entry: name, end: count, limit: directory)
            ),
            (
                "a full size without zip64 field", bytes.patched(central + 24, -1, 4),
                .inconsistent(field: "zip64 field", offset: central)
            ),
            (
                "no local header", bytes.patched(central + 42, local + 1, 4),
                .badSignature(record: "local header", offset: local + 1)
            ),
            (
                "another entry's header", bytes.patched(central + 42, other, 4),
                .inconsistent(field: "name or method of local header", offset: other)
            ),
            (
                "a local size of its own", bytes.patched(local + 6, 0, 2).patched(local + 22, 7, 4),
                .inconsistent(field: "size of local header", offset: local + 22)
            ),
            (
                "overlapping entries",
                bytes.patched(try #require(places.central["archive/byteorder"]) + 20, 100, 4)
                    .patched(try #require(places.central["archive/byteorder"]) + 24, 100, 4),
                .overlapping(entry: "archive/byteorder", other: name)
            ),
        ]
        for (label, bytes, expected) in cases {
            #expect(throws: TorchFileError.archive(expected), "\(label)") { try TensorFileFormat.open(content: bytes) }
        }
    }

    /// A size that is only in the zip64 field is taken from there, and believed no more than any other.
    @Test func wideSizesOfEntries() throws {
        let (bytes, places) = Self.good.build()
        let central = try #require(places.central["archive/data/0"])
        // The last entry: nothing but the end records follows its name.
        let nameEnd = central + 46 + "archive/data/0".utf8.count
        func file(size: Int) -> [UInt8] {
            var wide = bytes.patched(central + 20, -1, 4).patched(central + 24, -1, 4).patched(central + 30, 20, 2)
            wide.insert(
                contentsOf: TorchArchive.number(1, 2) + TorchArchive.number(16, 2) + TorchArchive.number(size, 8)
                    + TorchArchive.number(size, 8), at: nameEnd)
            let size = nameEnd + 20 - (places.central["archive/data.pkl"] ?? 0)
            return wide.patched(places.wideEnd + 20 + 40, size, 8).patched(
                places.locator + 20 + 8, places.wideEnd + 20, 8
            )
            .patched(places.end + 20 + 12, size, 4)
        }
        #expect(try TensorFileFormat.open(content: file(size: 24)).tensor("x").elements == [0, 1, 2, 3, 4, 5])
        for size in [25_000, 1 << 40, .max, -1] {
            #expect(throws: TorchFileError.self) { try TensorFileFormat.open(content: file(size: size)) }
        }
    }

    /// Cut anywhere, a file is refused.
    @Test func truncationAtEveryByte() throws {
        let whole = Self.good.bytes
        for count in whole.indices {
            #expect(throws: (any Error).self, "\(count) bytes") {
                try TensorFileFormat.open(content: Array(whole[..<count]))
            }
        }
        let written = [UInt8](try Data(contentsOf: URL(filePath: Fixtures.path("checkpoints/tiny.pth"))))
        for count in stride(from: 0, to: written.count, by: 7) {
            #expect(throws: (any Error).self, "\(count) bytes") {
                try TensorFileFormat.open(content: Array(written[..<count]))
            }
        }
    }
}
