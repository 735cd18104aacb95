import Compression

/// A file written by `torch.save` (PyTorch 1.6 and later), memory-mapped: a zip archive of stored entries, with a pickle
/// `data.pkl` that says which tensors there are, and an entry `data/KEY` for each storage.
///
/// Everything is checked when it is opened: the archive, the pickle, and each tensor of the state dict against its
/// storage. Tensors of single precision in row-major order are slices of the mapping. Checksums of the small entries are
/// checked at once, those of the storages by ``verifyChecksums()``: they cost a pass over gigabytes.
package final class TorchFile: TensorFile {
    private struct Record {
        let view: TorchView
        let type: ElementType
        /// The bytes of the storage's elements.
        let range: Range<Int>
    }

    private let mapping: FileMapping
    private let archive: ZipArchive
    private let records: [String: Record]

    package let format = TensorFileFormat.torch
    package let names: [String]
    /// Texts that stand beside the state dict in the dict that wraps it.
    package let metadata: [String: String]

    /// The index of the largest official model has 90 kB; reading one takes up to some fifty times its size.
    static let largestIndex = 8 << 20

    init(mapping: FileMapping) throws(TorchFileError) {
        self.mapping = mapping
        do {
            archive = try ZipArchive(mapping.bytes)
        } catch {
            throw .archive(error)
        }
        let index = try Self.index(of: archive)
        guard index.range.count <= Self.largestIndex else {
            throw .indexTooLarge(bytes: index.range.count, limit: Self.largestIndex)
        }
        try Self.verify(index, mapping.bytes)
        let prefix = String(index.name.dropLast("data.pkl".count))
        try Self.checkByteOrder(archive.entries[prefix + "byteorder"], mapping.bytes)
        let pickle = UnsafeRawBufferPointer(rebasing: mapping.bytes[index.range])
        let content: TorchContent
        do {
            content = try TorchContent(pickle)
        } catch .pickle(_, let error) {
            throw .pickle(entry: index.name, error)
        } catch {
            throw error
        }
        var records: [String: Record] = [:]
        var total = 0
        for (name, view) in content.tensors {
            let record = try Self.record(name, view, content.storages[view.storage], archive, prefix: prefix)
            guard records.updateValue(record, forKey: name) == nil else { throw .duplicate(tensor: name) }
            guard let bytes = record.type.bytes(of: view.shape) else { throw .shapeTooLarge(tensor: name) }
            total += bytes
            // Tied weights make a tensor appear twice; more than that is no model.
            guard total <= 2 * mapping.bytes.count else {
                throw .viewsExceedFile(bytes: total, file: mapping.bytes.count)
            }
        }
        self.records = records
        names = records.keys.sorted()
        metadata = content.texts
    }

    package func shape(of name: String) -> [Int]? { records[name]?.view.shape }

    package func elementType(of name: String) -> ElementType? { records[name]?.type }

    package func tensor(_ name: String) throws(TorchFileError) -> Tensor {
        guard let record = records[name] else { throw .missing(tensor: name) }
        let (view, type) = (record.view, record.type)
        let count = view.shape.reduce(1, *)
        let start = record.range.lowerBound + (count > 0 ? view.offset * type.bytes : 0)
        let tensor =
            view.isContiguous
            ? Tensor.mapped(
                shape: view.shape, type: type,
                bytes: UnsafeRawBufferPointer(rebasing: mapping.bytes[start..<start + count * type.bytes]), of: mapping)
            : Tensor.gathered(
                shape: view.shape, strides: view.strides, type: type,
                from: UnsafeRawBufferPointer(rebasing: mapping.bytes[start..<record.range.upperBound]))
        guard let tensor else { throw .notFloatingPoint(tensor: name, found: type.rawValue) }
        return tensor
    }

    package func verifyChecksums() throws(TorchFileError) {
        for entry in archive.entries.values.sorted(by: { $0.header < $1.header }) {
            try Self.verify(entry, mapping.bytes)
        }
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(mapping) {} }
        return try body(mapping.bytes)
    }
}

extension TorchFile {
    /// The entry `data.pkl`, in a folder of whatever name.
    private static func index(of archive: ZipArchive) throws(TorchFileError) -> ZipArchive.Entry {
        let found = archive.entries.values.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        guard let index = found.first else { throw .noIndex }
        guard found.count == 1 else { throw .severalIndices(found.map(\.name).sorted()) }
        return index
    }

    /// Files of PyTorch before 2.1 do not say; they were written on little-endian machines.
    private static func checkByteOrder(
        _ entry: ZipArchive.Entry?, _ bytes: UnsafeRawBufferPointer
    ) throws(TorchFileError) {
        guard let entry else { return }
        let order = String(decoding: bytes[entry.range].prefix(16), as: UTF8.self)
        guard order == "little", entry.range.count == 6 else { throw .byteOrder(order) }
    }

    private static func verify(_ entry: ZipArchive.Entry, _ bytes: UnsafeRawBufferPointer) throws(TorchFileError) {
        let found = CRC32.of(UnsafeRawBufferPointer(rebasing: bytes[entry.range]))
        guard found == entry.checksum else {
            throw .archive(.checksum(entry: entry.name, expected: entry.checksum, found: found))
        }
    }

    /// The view `name`, checked against its storage, and the storage against the archive.
    private static func record(
        _ name: String, _ view: TorchView, _ storage: TorchStorage, _ archive: ZipArchive, prefix: String
    ) throws(TorchFileError) -> Record {
        let path = "\(prefix)data/\(storage.key)"
        guard let entry = archive.entries[path] else { throw .missingStorage(tensor: name, entry: path) }
        guard let needed = storage.type.bytes(of: [storage.count]) else { throw .shapeTooLarge(tensor: name) }
        guard needed <= entry.range.count else {
            throw .storageTooSmall(tensor: name, entry: path, needed: needed, found: entry.range.count)
        }
        guard let bytes = storage.type.bytes(of: view.shape) else { throw .shapeTooLarge(tensor: name) }
        // More elements than the storage has are one element shown many times (stride 0): no weight is.
        guard bytes <= needed, view.fits(storage.count) else {
            throw .viewOutside(
                tensor: name, shape: view.shape, strides: view.strides, offset: view.offset, storage: storage.count)
        }
        return Record(view: view, type: storage.type, range: entry.range.lowerBound..<entry.range.lowerBound + needed)
    }
}

extension TorchView {
    /// Whether every element lies among the `count` of the storage.
    fileprivate func fits(_ count: Int) -> Bool {
        if shape.contains(0) { return true }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let reach = (size - 1).multipliedReportingOverflow(by: stride)
            let sum = last.addingReportingOverflow(reach.partialValue)
            if reach.overflow || sum.overflow { return false }
            last = sum.partialValue
        }
        return last < count
    }

    /// Whether the elements follow each other in row-major order.
    fileprivate var isContiguous: Bool {
        if shape.contains(0) { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size > 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
