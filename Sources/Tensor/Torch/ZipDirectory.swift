/// Where an archive's central directory lies, from the records at its end.
struct ZipDirectory {
    let count: Int
    let range: Range<Int>

    private static let endCount = 22
    private static let locatorCount = 20
    private static let wideEndCount = 56

    init(_ reader: ZipReader) throws(ZipError) {
        guard let end = Self.endRecord(reader) else { throw .noEndRecord }
        guard reader.u16(end + 4) == 0, reader.u16(end + 6) == 0 else { throw .severalDisks(offset: end + 4) }
        let narrow = (count: reader.u16(end + 10), size: reader.u32(end + 12), offset: reader.u32(end + 16))
        guard reader.u16(end + 8) == narrow.count else { throw .inconsistent(field: "count", offset: end + 8) }
        var (count, size, offset, limit) = (narrow.count, narrow.size, narrow.offset, end)
        if let wide = try Self.wideRecord(reader, before: end) {
            // What the narrow record can hold, it must say as well.
            let agrees =
                (narrow.count == wide.count || narrow.count == Int(UInt16.max))
                && (narrow.size == wide.size || narrow.size == Int(UInt32.max))
                && (narrow.offset == wide.offset || narrow.offset == Int(UInt32.max))
            guard agrees else { throw .inconsistent(field: "zip64 end record", offset: wide.place) }
            (count, size, offset, limit) = (wide.count, wide.size, wide.offset, wide.place)
        }
        guard offset <= limit, size == limit - offset else {
            throw .inconsistent(field: "place of directory", offset: end + 12)
        }
        // No entry is shorter than its header, so the loop over the entries is bounded by the file.
        guard count <= size / 46 else { throw .inconsistent(field: "count", offset: end + 10) }
        self.count = count
        range = offset..<offset + size
    }

    /// The record that, with its comment, ends exactly where the file does.
    private static func endRecord(_ reader: ZipReader) -> Int? {
        var place = reader.bytes.count - endCount
        let last = max(0, place - Int(UInt16.max))
        while place >= last {
            if reader.u32(place) == 0x0605_4B50, reader.u16(place + 20) == reader.bytes.count - place - endCount {
                return place
            }
            place -= 1
        }
        return nil
    }

    private struct WideRecord {
        let place, count, size, offset: Int
    }

    /// The zip64 record that the locator before `end` points at; nil without a locator.
    private static func wideRecord(_ reader: ZipReader, before end: Int) throws(ZipError) -> WideRecord? {
        let locator = end - locatorCount
        guard locator >= 0, reader.u32(locator) == 0x0706_4B50 else { return nil }
        guard reader.u32(locator + 4) == 0, reader.u32(locator + 16) <= 1 else { throw .severalDisks(offset: locator) }
        guard let place = reader.u64(locator + 8), place <= locator - wideEndCount else {
            throw .inconsistent(field: "place of zip64 end record", offset: locator + 8)
        }
        try reader.require(0x0606_4B50, at: place, "zip64 end record")
        guard let rest = reader.u64(place + 4), rest == locator - place - 12 else {
            throw .inconsistent(field: "size of zip64 end record", offset: place + 4)
        }
        guard reader.u32(place + 16) == 0, reader.u32(place + 20) == 0 else { throw .severalDisks(offset: place + 16) }
        guard let count = reader.u64(place + 32), reader.u64(place + 24) == count,
            let size = reader.u64(place + 40), let offset = reader.u64(place + 48)
        else { throw .inconsistent(field: "zip64 end record", offset: place + 24) }
        return WideRecord(place: place, count: count, size: size, offset: offset)
    }
}

/// Little-endian numbers at places that the caller has checked.
struct ZipReader {
    let bytes: UnsafeRawBufferPointer

    func u16(_ place: Int) -> Int {
        Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
    }

    func u32(_ place: Int) -> Int {
        Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
    }

    /// Nil beyond 2^63: no file has such a place.
    func u64(_ place: Int) -> Int? {
        Int(exactly: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
    }

    /// UTF-8; nil for other bytes.
    func text(_ place: Int, _ count: Int) -> String? {
        String(validating: UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]), as: UTF8.self)
    }

    func require(_ signature: Int, at place: Int, _ record: String) throws(ZipError) {
        guard u32(place) == signature else { throw .badSignature(record: record, offset: place) }
    }
}
