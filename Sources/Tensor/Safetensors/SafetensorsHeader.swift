/// The checked header of a safetensors file: names, types, shapes and places of its tensors.
///
/// Format: 8 bytes little-endian length, that many bytes of JSON, then the data; see
/// https://github.com/huggingface/safetensors#format. Once parsed, every range lies inside the data and no two overlap.
package struct SafetensorsHeader: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let dataType: ElementType
        package let shape: [Int]
        /// Bytes of the file.
        package let range: Range<Int>
    }

    package let entries: [String: Entry]
    package let metadata: [String: String]

    /// The most that the reference implementation accepts, too.
    package static let largestHeader = 100_000_000

    /// Parses and checks the header at the start of `file`, all of whose bytes are given.
    package init(file: UnsafeRawBufferPointer) throws(SafetensorsError) {
        guard file.count >= 8 else { throw .truncated(bytes: file.count, expected: 8) }
        let declared = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard declared <= UInt64(Self.largestHeader) else {
            throw .headerTooLarge(bytes: declared, limit: Self.largestHeader)
        }
        let start = 8 + Int(declared)
        guard file.count >= start else { throw .truncated(bytes: file.count, expected: start) }
        var reader = HeaderReader(UnsafeRawBufferPointer(rebasing: file[8..<start]))
        let (found, metadata) = try reader.readHeader()
        var entries: [String: Entry] = [:]
        var end = 0
        // Offsets in file order; an empty tensor sits at the place of the next and comes first.
        for item in found.sorted(by: { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }) {
            guard let dataType = ElementType(rawValue: item.dataType) else {
                throw .unknownDataType(tensor: item.name, found: item.dataType)
            }
            guard let bytes = dataType.bytes(of: item.shape) else {
                throw .shapeTooLarge(tensor: item.name)
            }
            guard item.begin == end else { throw .offset(tensor: item.name, expected: end, found: item.begin) }
            let span = item.end.subtractingReportingOverflow(item.begin)
            guard !span.overflow, span.partialValue == bytes else {
                throw .byteCount(tensor: item.name, expected: bytes, found: span.partialValue)
            }
            guard item.end <= file.count - start else {
                throw .dataLength(expected: item.end, found: file.count - start)
            }
            end = item.end
            entries[item.name] = Entry(
                dataType: dataType, shape: item.shape, range: start + item.begin..<start + item.end)
        }
        guard end == file.count - start else { throw .dataLength(expected: end, found: file.count - start) }
        self.entries = entries
        self.metadata = metadata
    }
}

/// Reads exactly the JSON that a header may hold: no nesting beyond it, no repeated keys, no numbers but counts.
///
/// A general parser would accept, recurse into or silently merge what has no place here.
private struct HeaderReader {
    struct Item {
        let name: String
        var dataType: String
        var shape: [Int]
        var begin, end: Int
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func readHeader() throws(SafetensorsError) -> ([Item], [String: String]) {
        var items: [Item] = []
        var metadata: [String: String] = [:]
        var names: Set<String> = []
        // The reference implementation allows no space before the brace.
        guard bytes.first == UInt8(ascii: "{") else { throw expected("'{'") }
        try readObject { (reader, name) throws(SafetensorsError) in
            guard names.insert(name).inserted else { throw .duplicate(name: name) }
            if name == "__metadata__" {
                var keys: Set<String> = []
                try reader.readObject { (reader, key) throws(SafetensorsError) in
                    guard keys.insert(key).inserted else { throw .duplicate(name: key) }
                    metadata[key] = try reader.readString()
                }
            } else {
                items.append(try reader.readItem(name))
            }
        }
        skipSpace()
        guard position == bytes.count else { throw expected("the end of the header") }
        return (items, metadata)
    }

    private mutating func readItem(_ name: String) throws(SafetensorsError) -> Item {
        var dataType: String?
        var shape: [Int]?
        var offsets: [Int]?
        try readObject { (reader, key) throws(SafetensorsError) in
            switch key {
            case "dtype" where dataType == nil: dataType = try reader.readString()
            case "shape" where shape == nil: shape = try reader.readCounts()
            case "data_offsets" where offsets == nil: offsets = try reader.readCounts()
            case "dtype", "shape", "data_offsets": throw .duplicate(name: "\(name).\(key)")
            default: throw reader.expected("dtype, shape or data_offsets, not \(key)")
            }
        }
        guard let dataType, let shape, let offsets, offsets.count == 2 else {
            throw expected("dtype, shape and two data_offsets for \(name)")
        }
        return Item(name: name, dataType: dataType, shape: shape, begin: offsets[0], end: offsets[1])
    }

    /// Reads `{"key": value, ...}`; `body` reads each value.
    private mutating func readObject(
        _ body: (inout HeaderReader, String) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try require("{")
        if accept("}") { return }
        repeat {
            let key = try readString()
            try require(":")
            try body(&self, key)
        } while accept(",")
        try require("}")
    }

    /// Reads an array of counts.
    private mutating func readCounts() throws(SafetensorsError) -> [Int] {
        var counts: [Int] = []
        try require("[")
        if accept("]") { return [] }
        repeat {
            guard counts.count < 64 else { throw expected("at most 64 numbers") }
            counts.append(try readCount())
        } while accept(",")
        try require("]")
        return counts
    }

    private mutating func readCount() throws(SafetensorsError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position], digit >= 0x30, digit <= 0x39 {
            let shifted = value.multipliedReportingOverflow(by: 10)
            let sum = shifted.partialValue.addingReportingOverflow(Int(digit - 0x30))
            guard !shifted.overflow, !sum.overflow else { throw expected("a 63-bit count") }
            value = sum.partialValue
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits == 1 || bytes[start] != UInt8(ascii: "0") else { throw expected("a count") }
        return value
    }

    private mutating func readString() throws(SafetensorsError) -> String {
        try require("\"")
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw expected("UTF-8") }
                return string
            case UInt8(ascii: "\\"): text += try readEscape()
            case 0..<0x20: throw expected("no control character in a string")
            default: text.append(byte)
            }
        }
        throw expected("'\"'")
    }

    /// What follows a backslash (RFC 8259, section 7), as UTF-8.
    private mutating func readEscape() throws(SafetensorsError) -> [UInt8] {
        guard position < bytes.count else { throw expected("an escape") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var units = [try readUnit()]
            if UTF16.isLeadSurrogate(units[0]) {
                guard position + 2 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                else { throw expected("the second half of a surrogate pair") }
                position += 2
                units.append(try readUnit())
            }
            guard let string = String(validating: units, as: UTF16.self) else { throw expected("a character") }
            return Array(string.utf8)
        default: throw expected("an escape")
        }
    }

    /// Four hexadecimal digits.
    private mutating func readUnit() throws(SafetensorsError) -> UInt16 {
        guard position + 4 <= bytes.count else { throw expected("four hexadecimal digits") }
        var unit: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt16(byte - 0x30)
            case 0x41...0x46: unit = unit << 4 | UInt16(byte - 0x37)
            case 0x61...0x66: unit = unit << 4 | UInt16(byte - 0x57)
            default: throw expected("four hexadecimal digits")
            }
        }
        position += 4
        return unit
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func require(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard accept(character) else { throw expected("'\(character)'") }
    }

    private func expected(_ what: String) -> SafetensorsError { .malformedHeader(offset: position, expected: what) }
}
