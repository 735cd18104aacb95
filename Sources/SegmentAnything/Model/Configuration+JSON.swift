import FoundationEssentials

extension Configuration {
    /// The key of a model file's metadata that holds the configuration.
    package static let metadataKey = "gmiseg.configuration"

    /// The checked configuration that `json` holds; keys it does not know are left alone.
    package init(json: String) throws(ModelError) {
        do {
            self = try JSONDecoder().decode(Configuration.self, from: Data(json.utf8))
        } catch let error as DecodingError {
            let (field, expectation) = Configuration.explain(error)
            throw .invalidConfiguration(
                field: field ?? Configuration.metadataKey, expectation: expectation, found: String(json.prefix(120)))
        } catch {
            throw .invalidConfiguration(
                field: Configuration.metadataKey, expectation: "JSON", found: String(json.prefix(120)))
        }
        try validate()
    }

    /// The configuration as JSON with sorted keys: the same text for the same configuration.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // Integers and a string: there is nothing in a configuration that JSON cannot hold.
        guard let data = try? encoder.encode(self) else { preconditionFailure("a configuration has no JSON form") }
        return String(decoding: data, as: UTF8.self)
    }

    private static func explain(_ error: DecodingError) -> (field: String?, expectation: String) {
        switch error {
        case .keyNotFound(let key, _): (key.stringValue, "to be present")
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            (context.codingPath.first?.stringValue, "\(type)")
        case .dataCorrupted(let context): (context.codingPath.first?.stringValue, "JSON")
        @unknown default: (nil, "JSON")
        }
    }
}
