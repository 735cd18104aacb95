import FoundationEssentials

/// JSON with sorted keys, so that equal values have equal bytes.
enum CanonicalJSON {
    /// `value` must be encodable: no infinite or undefined numbers.
    static func encode(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            preconditionFailure("not encodable: \(error)")
        }
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from text: String) -> Value? {
        try? JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
