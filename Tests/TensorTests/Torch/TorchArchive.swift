/// Builds files as `torch.save` does, and lets tests bend them.
struct TorchArchive {
    struct Entry {
        var name: String
        var data: [UInt8]
        var method = 0
        var flags = 0x0808
        /// The right one unless given.
        var checksum: UInt32?
        /// Bytes between local header and data, beyond the four of an extra field's head.
        var padding = 0
    }

    var entries: [Entry]
    var hasWideRecords = true

    /// Where the records of the built file lie, by entry name.
    struct Places {
        var local: [String: Int] = [:]
        var central: [String: Int] = [:]
        var wideEnd = 0
        var locator = 0
        var end = 0
    }

    /// A file with the index `pickle` and storages by key, each starting at a multiple of 64.
    init(pickle: [UInt8], storages: [(key: String, data: [UInt8])] = [], folder: String = "archive/") {
        entries = [
            Entry(name: folder + "data.pkl", data: pickle),
            Entry(name: folder + "byteorder", data: Array("little".utf8)),
        ]
        entries += storages.map { Entry(name: "\(folder)data/\($0.key)", data: $0.data) }
        align(to: 64)
    }

    /// Chooses paddings so that data start at multiples of `alignment`, moved by `shift`.
    mutating func align(to alignment: Int, shift: Int = 0) {
        var offset = 0
        for index in entries.indices {
            let start = offset + 30 + entries[index].name.utf8.count + 4
            entries[index].padding = (alignment - start % alignment) % alignment + shift
            offset = start + entries[index].padding + entries[index].data.count + 16
        }
    }

    func build() -> (bytes: [UInt8], places: Places) {
        var bytes: [UInt8] = []
        var places = Places()
        for entry in entries {
            places.local[entry.name] = bytes.count
            bytes += Self.number(0x0403_4B50, 4) + Self.number(0, 2) + Self.number(entry.flags, 2)
            bytes += Self.number(entry.method, 2) + [UInt8](repeating: 0, count: 16)
            bytes += Self.number(entry.name.utf8.count, 2) + Self.number(4 + entry.padding, 2) + Array(entry.name.utf8)
            bytes += Array("FB".utf8) + Self.number(entry.padding, 2) + [UInt8](repeating: 0x5A, count: entry.padding)
            bytes += entry.data
            bytes += Self.number(0x0807_4B50, 4) + Self.number(Int(checksum(entry)), 4)
            bytes += Self.number(entry.data.count, 4) + Self.number(entry.data.count, 4)
        }
        let directory = bytes.count
        for entry in entries {
            places.central[entry.name] = bytes.count
            bytes += Self.number(0x0201_4B50, 4) + Self.number(0, 4) + Self.number(entry.flags, 2)
            bytes += Self.number(entry.method, 2) + Self.number(0, 4) + Self.number(Int(checksum(entry)), 4)
            bytes += Self.number(entry.data.count, 4) + Self.number(entry.data.count, 4)
            bytes += Self.number(entry.name.utf8.count, 2) + [UInt8](repeating: 0, count: 12)
            bytes += Self.number(places.local[entry.name] ?? 0, 4) + Array(entry.name.utf8)
        }
        let size = bytes.count - directory
        if hasWideRecords {
            places.wideEnd = bytes.count
            bytes += Self.number(0x0606_4B50, 4) + Self.number(44, 8) + Self.number(0x002D_031E, 4) + Self.number(0, 8)
            bytes += Self.number(entries.count, 8) + Self.number(entries.count, 8) + Self.number(size, 8)
            bytes += Self.number(directory, 8)
            places.locator = bytes.count
            bytes +=
                Self.number(0x0706_4B50, 4) + Self.number(0, 4) + Self.number(places.wideEnd, 8) + Self.number(1, 4)
        }
        places.end = bytes.count
        bytes += Self.number(0x0605_4B50, 4) + Self.number(0, 4) + Self.number(entries.count, 2)
        bytes += Self.number(entries.count, 2) + Self.number(size, 4) + Self.number(directory, 4) + Self.number(0, 2)
        return (bytes, places)
    }

    var bytes: [UInt8] { build().bytes }

    /// Little-endian.
    static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func checksum(_ entry: Entry) -> UInt32 { entry.checksum ?? Self.checksum(entry.data) }

    /// CRC-32 bit by bit: the naive twin of the one under test.
    static func checksum(_ data: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in data {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        return ~value
    }
}

extension [UInt8] {
    /// The same with the little-endian number `value` of `count` bytes at `place`.
    func patched(_ place: Int, _ value: Int, _ count: Int) -> [UInt8] {
        var bytes = self
        bytes.replaceSubrange(place..<place + count, with: TorchArchive.number(value, count))
        return bytes
    }

    /// Floats as they lie in a file.
    init(floats: [Float]) { self = floats.flatMap { Swift.withUnsafeBytes(of: $0, Array.init) } }
}
