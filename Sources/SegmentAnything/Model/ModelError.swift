/// Why a model, or an adapter for it, cannot be used.
package enum ModelError: Error, Equatable, Sendable {
    /// The file cannot be read in any format that is known here.
    case unreadable(path: String, reason: String)
    /// The file says nothing of its sizes, and they are not those of a known model.
    case missingConfiguration(path: String)
    case invalidConfiguration(field: String, expectation: String, found: String)
    case missingTensor(String)
    /// Two tensors of the file that are the same one of the model.
    case ambiguousTensor(String, found: [String])
    case shapeMismatch(tensor: String, expected: [Int], found: [Int])
    /// The tensor holds NaN or infinity.
    case nonFinite(tensor: String)
}

extension ModelError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read as a model: \(reason)"
        case .missingConfiguration(let path):
            """
            \(path) has neither \(Configuration.metadataKey) in its metadata nor the tensors of a Segment Anything image \
            encoder, from whose shapes its size could be told
            """
        case .invalidConfiguration(let field, let expectation, let found):
            "configuration field \(field): expected \(expectation), found \(found)"
        case .missingTensor(let name): "tensor \(name) is missing"
        case .ambiguousTensor(let name, let found):
            "tensor \(name) is there twice, as \(found.joined(separator: " and "))"
        case .shapeMismatch(let name, let expected, let found):
            "tensor \(name): expected shape \(expected), found \(found)"
        case .nonFinite(let name): "tensor \(name) holds NaN or infinity"
        }
    }
}
