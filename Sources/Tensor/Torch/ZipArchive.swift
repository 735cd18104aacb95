/// The directory of a zip archive whose entries are stored as they are, as PyTorch writes them.
///
/// Format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 to 4.5. The central directory is what counts; each local header must
/// say the same name. Once read, every entry's data lie inside the file and no two overlap, so what all of them hold
/// together is never more than the file itself.
struct ZipArchive: Sendable {
    struct Entry: Sendable, Equatable {
        let name: String
        /// Where its local header starts.
        let header: Int
        /// Its data, as bytes of the file.
        let range: Range<Int>
        /// CRC-32 of its data.
        let checksum: UInt32
    }

    let entries: [String: Entry]

    init(_ bytes: UnsafeRawBufferPointer) throws(ZipError) {
        let reader = ZipReader(bytes: bytes)
        let directory = try ZipDirectory(reader)
        var entries: [String: Entry] = [:]
        var offset = directory.range.lowerBound
        for _ in 0..<directory.count {
            let (entry, next) = try Self.entry(at: offset, in: directory.range, reader)
            guard entries.updateValue(entry, forKey: entry.name) == nil else { throw .duplicate(entry: entry.name) }
            offset = next
        }
        guard offset == directory.range.upperBound else {
            throw .inconsistent(field: "size of directory", offset: offset)
        }
        try Self.checkOverlaps(entries.values)
        self.entries = entries
    }

    private static let flagEncrypted = 1
    private static let flagSizesFollow = 8

    /// The entry whose central header is at `offset`, and where the next one starts.
    private static func entry(
        at offset: Int, in directory: Range<Int>, _ reader: ZipReader
    ) throws(ZipError) -> (Entry, next: Int) {
        guard directory.upperBound - offset >= 46 else { throw .truncated(record: "central header", offset: offset) }
        try reader.require(0x0201_4B50, at: offset, "central header")
        let (flags, method) = (reader.u16(offset + 8), reader.u16(offset + 10))
        let (nameCount, extraCount, commentCount) = (
            reader.u16(offset + 28), reader.u16(offset + 30), reader.u16(offset + 32)
        )
        let next = offset + 46 + nameCount + extraCount + commentCount
        guard next <= directory.upperBound else { throw .truncated(record: "central header", offset: offset) }
        guard let name = reader.text(offset + 46, nameCount), !name.isEmpty else { throw .badName(offset: offset + 46) }
        guard flags & flagEncrypted == 0 else { throw .encrypted(entry: name) }
        guard method == 0 else { throw .compressed(entry: name, method: method) }
        let sizes = try Zip64Sizes(
            reader, header: offset, extra: offset + 46 + nameCount..<offset + 46 + nameCount + extraCount)
        guard sizes.compressed == sizes.uncompressed else { throw .inconsistent(field: "size", offset: offset + 20) }

        // The local header repeats the name; its sizes may be left for a record behind the data.
        let header = sizes.localHeader
        guard header <= directory.lowerBound - 30 else {
            throw .outside(entry: name, end: header, limit: directory.lowerBound)
        }
        try reader.require(0x0403_4B50, at: header, "local header")
        let localNameCount = reader.u16(header + 26)
        let start = header + 30 + localNameCount + reader.u16(header + 28)
        guard start <= directory.lowerBound, sizes.uncompressed <= directory.lowerBound - start else {
            throw .outside(entry: name, end: start, limit: directory.lowerBound)
        }
        guard reader.text(header + 30, localNameCount) == name, reader.u16(header + 8) == method else {
            throw .inconsistent(field: "name or method of local header", offset: header)
        }
        if reader.u16(header + 6) & flagSizesFollow == 0 {
            let local = reader.u32(header + 22)
            guard local == sizes.uncompressed || local == Int(UInt32.max) else {
                throw .inconsistent(field: "size of local header", offset: header + 22)
            }
        }
        let checksum = UInt32(truncatingIfNeeded: reader.u32(offset + 16))
        let range = start..<start + sizes.uncompressed
        return (Entry(name: name, header: header, range: range, checksum: checksum), next)
    }

    private static func checkOverlaps(_ entries: some Collection<Entry>) throws(ZipError) {
        let ordered = entries.sorted {
            ($0.header, $0.range.upperBound, $0.name) < ($1.header, $1.range.upperBound, $1.name)
        }
        for (one, next) in zip(ordered, ordered.dropFirst()) where one.range.upperBound > next.header {
            throw .overlapping(entry: one.name, other: next.name)
        }
    }
}

/// Sizes and place of an entry, from its central header, or where that is full from the zip64 field behind it (4.5.3).
private struct Zip64Sizes {
    let compressed: Int
    let uncompressed: Int
    let localHeader: Int

    init(_ reader: ZipReader, header: Int, extra: Range<Int>) throws(ZipError) {
        var wide = try Self.field(reader, extra)
        var values: [Int] = []
        // In this order, and each only if its narrow place is full.
        for place in [header + 24, header + 20, header + 42] {
            let narrow = reader.u32(place)
            if narrow < Int(UInt32.max) {
                values.append(narrow)
            } else {
                guard wide.count >= 8, let value = reader.u64(wide.lowerBound) else {
                    throw .inconsistent(field: "zip64 field", offset: header)
                }
                values.append(value)
                wide = wide.lowerBound + 8..<wide.upperBound
            }
        }
        guard reader.u16(header + 34) == 0 else { throw .severalDisks(offset: header + 34) }
        (uncompressed, compressed, localHeader) = (values[0], values[1], values[2])
    }

    /// The content of the extra field with the number 1; empty if there is none.
    private static func field(_ reader: ZipReader, _ extra: Range<Int>) throws(ZipError) -> Range<Int> {
        var offset = extra.lowerBound
        while extra.upperBound - offset >= 4 {
            let end = offset + 4 + reader.u16(offset + 2)
            guard end <= extra.upperBound else { throw .truncated(record: "extra field", offset: offset) }
            if reader.u16(offset) == 1 { return offset + 4..<end }
            offset = end
        }
        return offset..<offset
    }
}
