import Foundation
import GRDB

/// Reads a row's columns without trusting them: a damaged database is an error, never a crash.
struct Columns {
    let row: Row
    let path: String

    func value<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value {
        guard let value = try optional(column, as: type) else { throw damaged(column) }
        return value
    }

    func optional<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value? {
        guard row.hasColumn(column) else { throw damaged(column) }
        let stored: DatabaseValue = row[column]
        if stored.isNull { return nil }
        guard let value = Value.fromDatabaseValue(stored) else { throw damaged(column) }
        return value
    }

    func time(_ column: String) throws(StoreError) -> Timestamp {
        Timestamp(milliseconds: try value(column))
    }

    func optionalTime(_ column: String) throws(StoreError) -> Timestamp? {
        try optional(column, as: Int64.self).map(Timestamp.init(milliseconds:))
    }

    func json<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws(StoreError) -> Value {
        guard let value = try optionalJSON(column, as: type) else { throw damaged(column) }
        return value
    }

    func optionalJSON<Value: Decodable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(StoreError) -> Value? {
        guard let text = try optional(column, as: String.self) else { return nil }
        do {
            return try JSONColumn.decoder.decode(type, from: Data(text.utf8))
        } catch {
            throw damaged(column)
        }
    }

    func file(_ name: String, _ bytes: String) throws(StoreError) -> StoredFile {
        StoredFile(name: try value(name), byteCount: try value(bytes))
    }

    func optionalFile(_ name: String, _ bytes: String) throws(StoreError) -> StoredFile? {
        guard let found = try optional(name, as: String.self) else { return nil }
        return StoredFile(name: found, byteCount: try value(bytes))
    }

    func damaged(_ column: String) -> StoreError {
        .corrupted(path: path, detail: "unreadable value in column \(column)")
    }
}

/// How small values are written into a text column.
enum JSONColumn {
    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }

    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
