import Glibc
import Tensor
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    /// A file from its parts; `data` are the bytes after the header.
    private static func file(_ header: String, data: Int = 0, declared: UInt64? = nil) -> [UInt8] {
        let length = declared ?? UInt64(header.utf8.count)
        return withUnsafeBytes(of: length.littleEndian, Array.init) + Array(header.utf8)
            + Array(repeating: 0, count: data)
    }

    private func parse(_ bytes: [UInt8]) throws -> SafetensorsHeader {
        try bytes.withUnsafeBytes { try SafetensorsHeader(file: $0) }
    }

    @Test(arguments: [Safetensors.Precision.float32, .float16]) func roundTrip(_ precision: Safetensors.Precision)
        throws
    {
        let folder = try TemporaryDirectory()
        let path = folder.file("a.safetensors")
        // Multiples of 1/8 below 256 are exact in half precision.
        let weights = Tensor(shape: [3, 5], (0..<15).map { Float($0) / 8 - 1 })
        let tensors = [
            ("z", weights), ("a.ü\"\\\n\u{1}", Tensor(shape: [7], Array(repeating: -2, count: 7))),
            ("scalar", Tensor(0.5)), ("empty", Tensor(zeros: [0, 4])),
        ]
        let metadata = ["format": "pt", "card": "{\"a\": \"b\"}\n\t\u{1F600}"]
        try Safetensors.write(tensors.map { (name: $0.0, tensor: $0.1) }, metadata: metadata, to: path, as: precision)
        let file = try SafetensorsFile(path: path)
        #expect(file.metadata == metadata)
        #expect(file.names == tensors.map(\.0).sorted())
        for (name, tensor) in tensors {
            let found = try file.tensor(name)
            #expect(found.shape == tensor.shape && found.elements == tensor.elements, "\(name)")
            #expect(file.shape(of: name) == tensor.shape)
            #expect(file.elementType(of: name) == (precision == .float32 ? .float32 : .float16))
        }
        #expect(throws: SafetensorsError.missing(tensor: "absent")) { try file.tensor("absent") }
        #expect(file.shape(of: "absent") == nil)
        let bytes = file.withUnsafeBytes { Array($0) }
        let again = try Safetensors.encode(
            tensors.reversed().map { (name: $0.0, tensor: $0.1) }, metadata: metadata, as: precision)
        #expect(bytes == again, "the order of the arguments must not show")
    }

    @Test func tensorsOutliveTheirFile() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("a.safetensors")
        try Safetensors.write([("x", random([1000], seed: 1))], metadata: [:], to: path)
        let tensor = try SafetensorsFile(path: path).tensor("x")
        unlink(path)
        #expect(tensor.elements == random([1000], seed: 1).elements)
    }

    /// Every type that converts, at every alignment that a one-byte tensor before it can bring.
    @Test(arguments: [0, 1, 2, 3]) func otherTypesAndAlignments(_ shift: Int) throws {
        let folder = try TemporaryDirectory()
        let values: [Float] = [1, -2.5, 0.125]
        let kinds: [(String, [UInt8])] = [
            ("F32", values.flatMap { withUnsafeBytes(of: $0, Array.init) }),
            ("F16", values.flatMap { withUnsafeBytes(of: Float16($0), Array.init) }),
            ("BF16", values.flatMap { withUnsafeBytes(of: UInt16($0.bitPattern >> 16), Array.init) }),
            ("F64", values.flatMap { withUnsafeBytes(of: Double($0), Array.init) }),
        ]
        for (type, data) in kinds {
            let header = """
                {"a":{"dtype":"U8","shape":[\(shift)],"data_offsets":[0,\(shift)]},\
                "x":{"dtype":"\(type)","shape":[3],"data_offsets":[\(shift),\(shift + data.count)]}}
                """
            let path = folder.file("\(type).safetensors")
            try write(Self.file(header) + Array(repeating: 9, count: shift) + data, to: path)
            let file = try SafetensorsFile(path: path)
            #expect(try file.tensor("x").elements == values, "\(type)")
            guard shift > 0 else { continue }
            #expect(throws: SafetensorsError.notFloatingPoint(tensor: "a", found: "U8")) { try file.tensor("a") }
        }
    }

    static let good = #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#

    @Test func smallestFiles() throws {
        #expect(try parse(Self.file("{}")).entries.isEmpty)
        #expect(try parse(Self.file("{ \t\r\n}  ")).entries.isEmpty)
        let header = try parse(Self.file(Self.good, data: 8))
        let entry = try #require(header.entries["x"])
        let start = 8 + Self.good.utf8.count
        #expect(entry.dataType == .float32 && entry.shape == [2] && entry.range == start..<start + 8)
        let escaped = try parse(Self.file(#"{"__metadata__":{"\u00e9\ud83d\ude00\/":"\"\\\b\f\n\r\t"}}"#))
        #expect(escaped.metadata == ["é😀/": "\"\\\u{8}\u{C}\n\r\t"])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let isExpected: @Sendable (SafetensorsError) -> Bool
        var testDescription: String { name }

        init(
            _ name: String, _ header: String, data: Int = 0, declared: UInt64? = nil,
            _ isExpected: @escaping @Sendable (SafetensorsError) -> Bool
        ) {
            self.name = name
            bytes = SafetensorsTests.file(header, data: data, declared: declared)
            self.isExpected = isExpected
        }
    }

    private static func entry(_ name: String, _ shape: String, _ begin: String, _ end: String, type: String = "F32")
        -> String
    {
        #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(begin),\#(end)]}"#
    }

    private static let malformed: @Sendable (SafetensorsError) -> Bool = {
        if case .malformedHeader = $0 { true } else { false }
    }

    static let hostile: [Bad] = [
        Bad("huge header", "{}", declared: .max) { $0 == .headerTooLarge(bytes: .max, limit: 100_000_000) },
        Bad("header above the limit", "{}", declared: 100_000_001) {
            $0 == .headerTooLarge(bytes: 100_000_001, limit: 100_000_000)
        },
        Bad("header beyond the file", "{}", declared: 3) { $0 == .truncated(bytes: 10, expected: 11) },
        Bad("data beyond the file", good, data: 7) { $0 == .dataLength(expected: 8, found: 7) },
        Bad("data left over", good, data: 9) { $0 == .dataLength(expected: 8, found: 9) },
        Bad("overlap", "{\(entry("a", "[2]", "0", "8")),\(entry("b", "[2]", "4", "12"))}", data: 12) {
            $0 == .offset(tensor: "b", expected: 8, found: 4)
        },
        Bad("the same bytes twice", "{\(entry("a", "[2]", "0", "8")),\(entry("b", "[2]", "0", "8"))}", data: 8) {
            $0 == .offset(tensor: "b", expected: 8, found: 0)
        },
        Bad("gap", "{\(entry("a", "[1]", "0", "4")),\(entry("b", "[1]", "8", "12"))}", data: 12) {
            $0 == .offset(tensor: "b", expected: 4, found: 8)
        },
        Bad("backwards", "{\(entry("a", "[1]", "0", "4")),\(entry("b", "[1]", "4", "0"))}", data: 4) {
            $0 == .byteCount(tensor: "b", expected: 4, found: -4)
        },
        Bad("too few bytes", "{\(entry("a", "[3]", "0", "8"))}", data: 8) {
            $0 == .byteCount(tensor: "a", expected: 12, found: 8)
        },
        Bad("wrong size of type", "{\(entry("a", "[2]", "0", "8", type: "F64"))}", data: 8) {
            $0 == .byteCount(tensor: "a", expected: 16, found: 8)
        },
        Bad("overflowing shape", "{\(entry("a", "[4611686018427387904,4]", "0", "0"))}") {
            $0 == .shapeTooLarge(tensor: "a")
        },
        Bad("overflowing empty shape", "{\(entry("a", "[4611686018427387904,4,0]", "0", "0"))}") {
            $0 == .shapeTooLarge(tensor: "a")
        },
        Bad("offset of 2^63", "{\(entry("a", "[0]", "9223372036854775808", "9223372036854775808"))}", malformed),
        Bad("largest offset", "{\(entry("a", "[1]", "9223372036854775807", "9223372036854775807"))}") {
            $0 == .offset(tensor: "a", expected: 0, found: .max)
        },
        Bad("unknown type", "{\(entry("a", "[1]", "0", "4", type: "F33"))}", data: 4) {
            $0 == .unknownDataType(tensor: "a", found: "F33")
        },
        Bad("the same name twice", "{\(entry("a", "[1]", "0", "4")),\(entry("a", "[1]", "4", "8"))}", data: 8) {
            $0 == .duplicate(name: "a")
        },
        Bad("the same name twice, escaped", #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\u0061":{}}"#) {
            $0 == .duplicate(name: "a")
        },
        Bad("metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#) { $0 == .duplicate(name: "__metadata__") },
        Bad("a key of metadata twice", #"{"__metadata__":{"k":"1","k":"2"}}"#) { $0 == .duplicate(name: "k") },
        Bad("a field twice", #"{"a":{"dtype":"F32","dtype":"F16","shape":[0],"data_offsets":[0,0]}}"#) {
            $0 == .duplicate(name: "a.dtype")
        },
        Bad("an unknown field", #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":1}}"#, malformed),
        Bad("a field missing", #"{"a":{"dtype":"F32","shape":[0]}}"#, malformed),
        Bad("three offsets", #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0,0]}}"#, malformed),
        Bad("negative size", "{\(entry("a", "[-1]", "0", "4"))}", data: 4, malformed),
        Bad("fraction", "{\(entry("a", "[1.0]", "0", "4"))}", data: 4, malformed),
        Bad("leading zero", "{\(entry("a", "[01]", "0", "4"))}", data: 4, malformed),
        Bad(
            "a hundred dimensions",
            "{\(entry("a", "[\(Array(repeating: "1", count: 100).joined(separator: ","))]", "0", "4"))}",
            data: 4, malformed),
        Bad("deep nesting", String(repeating: #"{"a":"#, count: 100_000), malformed),
        Bad("deep arrays", #"{"a":{"shape":"# + String(repeating: "[", count: 100_000), malformed),
        Bad("number as metadata", #"{"__metadata__":{"k":1}}"#, malformed),
        Bad("no object", "[]", malformed),
        Bad("space before the brace", " {}", malformed),
        Bad("empty header", "", malformed),
        Bad("text after the header", "{}x", malformed),
        Bad("trailing comma", #"{"__metadata__":{},}"#, malformed),
        Bad("control character", "{\"__metadata__\":{\"k\":\"\u{1}\"}}", malformed),
        Bad("half a surrogate pair", #"{"__metadata__":{"k":"\ud83d"}}"#, malformed),
        Bad("second half first", #"{"__metadata__":{"k":"\ude00\ud83d"}}"#, malformed),
        Bad("unknown escape", #"{"__metadata__":{"k":"\x41"}}"#, malformed),
    ]

    @Test(arguments: hostile) func refuses(_ bad: Bad) throws {
        let error = #expect(throws: SafetensorsError.self) { try parse(bad.bytes) }
        if let error { #expect(bad.isExpected(error), "\(error)") }
    }

    @Test func refusesInvalidUTF8() {
        var bytes = Self.file(#"{"__metadata__":{"k":"??"}}"#)
        guard let place = bytes.firstIndex(of: UInt8(ascii: "?")) else { return }
        bytes[place] = 0xC3
        #expect(throws: SafetensorsError.self) { try parse(bytes) }
    }

    /// Cut anywhere, a file is refused; it is never half read.
    @Test func truncationAtEveryByte() throws {
        let whole = try Safetensors.encode(
            [("x", random([2, 3], seed: 1)), ("y", random([5], seed: 2))], metadata: ["k\n": "v"])
        for count in whole.indices {
            #expect(throws: SafetensorsError.self, "\(count) bytes") { try parse(Array(whole[..<count])) }
        }
        #expect(try parse(whole).entries.count == 2)
    }

    /// Whatever one byte of the header becomes, the answer is an error or ranges inside the file.
    @Test func everyByteCorrupted() throws {
        let whole = try Safetensors.encode([("x", random([3], seed: 1))], metadata: ["k": "v"])
        for place in 0..<whole.count - 12 {
            for value in [0, 0x22, 0x2C, 0x30, 0x39, 0x5B, 0x5C, 0x7B, 0x7D, 0xFF] as [UInt8] {
                var bytes = whole
                bytes[place] = value
                guard let header = try? parse(bytes) else { continue }
                if !header.entries.values.allSatisfy({ $0.range.upperBound <= bytes.count }) {
                    Issue.record("byte \(place) as \(value) gives a range outside the file")
                }
            }
        }
    }

    @Test func systemErrorsNameTheCall() throws {
        let folder = try TemporaryDirectory()
        let absent = folder.file("absent/file")
        #expect(throws: SafetensorsError.system(call: "open", path: absent, code: ENOENT)) {
            try SafetensorsFile(path: absent)
        }
        #expect(throws: SafetensorsError.system(call: "open", path: folder.path, code: EINVAL)) {
            try SafetensorsFile(path: folder.path)
        }
        try write([], to: folder.file("empty"))
        #expect(throws: SafetensorsError.truncated(bytes: 0, expected: 8)) {
            try SafetensorsFile(path: folder.file("empty"))
        }
        #expect(throws: SafetensorsError.self) { try Safetensors.write([], metadata: [:], to: absent) }
    }

    /// A failed write leaves the old file and no litter; a good one replaces it while readers keep what they had open.
    @Test func writesAreAtomic() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("a.safetensors")
        try Safetensors.write([("x", Tensor(1))], metadata: [:], to: path)
        let before = try SafetensorsFile(path: path)
        try Safetensors.write([("x", Tensor(2))], metadata: [:], to: path)
        #expect(try before.tensor("x").scalar == 1)
        #expect(try SafetensorsFile(path: path).tensor("x").scalar == 2)
        #expect(throws: SafetensorsError.duplicate(name: "x")) {
            try Safetensors.write([("x", Tensor(1)), ("x", Tensor(2))], metadata: [:], to: path)
        }
        #expect(throws: SafetensorsError.duplicate(name: "__metadata__")) {
            try Safetensors.write([("__metadata__", Tensor(1))], metadata: [:], to: path)
        }
        #expect(throws: SafetensorsError.self) { try Safetensors.write([], metadata: [:], to: folder.path) }
        #expect(try SafetensorsFile(path: path).tensor("x").scalar == 2)
        #expect(try names(in: folder.path) == ["a.safetensors"])
    }

    private func names(in path: String) throws -> [String] {
        let folder = try #require(opendir(path))
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
    }
}
