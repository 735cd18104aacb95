/// What can be wrong with a zip archive. Offsets are bytes of the file.
package enum ZipError: Error, Equatable {
    /// No record at the end of the file says where the directory is: most likely the file was cut off.
    case noEndRecord
    case truncated(record: String, offset: Int)
    case badSignature(record: String, offset: Int)
    case severalDisks(offset: Int)
    /// Two places of the archive contradict each other.
    case inconsistent(field: String, offset: Int)
    case badName(offset: Int)
    case duplicate(entry: String)
    case encrypted(entry: String)
    /// PyTorch stores; what is compressed could be a bomb, and could not be mapped.
    case compressed(entry: String, method: Int)
    /// The entry's data do not lie before the directory.
    case outside(entry: String, end: Int, limit: Int)
    case overlapping(entry: String, other: String)
    case checksum(entry: String, expected: UInt32, found: UInt32)
}

extension ZipError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noEndRecord: "the zip archive has no end record: the file is truncated, or damaged at its end"
        case .truncated(let record, let offset): "byte \(offset): the zip archive's \(record) is cut off"
        case .badSignature(let record, let offset): "byte \(offset): there should be a \(record) of the zip archive"
        case .severalDisks(let offset): "byte \(offset): the zip archive is split into several files"
        case .inconsistent(let field, let offset): "byte \(offset): the zip archive contradicts itself (\(field))"
        case .badName(let offset): "byte \(offset): the zip entry's name is not UTF-8"
        case .duplicate(let entry): "the zip archive has two entries \(entry)"
        case .encrypted(let entry): "the zip entry \(entry) is encrypted"
        case .compressed(let entry, let method):
            "the zip entry \(entry) is compressed (method \(method)); torch.save only stores, so this file was packed again"
        case .outside(let entry, let end, let limit):
            "the zip entry \(entry) at byte \(end) reaches beyond the data, which end at byte \(limit)"
        case .overlapping(let entry, let other): "the zip entries \(entry) and \(other) overlap"
        case .checksum(let entry, let expected, let found):
            "the zip entry \(entry) has the CRC-32 \(String(found, radix: 16)), and should have \(String(expected, radix: 16))"
        }
    }
}
