/// Why a file is not taken as an adapter or a checkpoint.
package enum AdapterError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    /// A safetensors file, but without a card, or with one that says impossible things.
    case notAnAdapter(reason: String)
    case notACheckpoint(reason: String)
    case unsupportedVersion(found: Int, supported: Int)
    /// Made for another base model; both by SHA-256.
    case wrongBase(loaded: String, adapters: String)
    case missingTensor(String)
    case unexpectedTensor(String)
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    case nonFinite(tensor: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read as safetensors: \(reason)"
        case .notAnAdapter(let reason): "not an adapter: \(reason)"
        case .notACheckpoint(let reason): "not a checkpoint: \(reason)"
        case .unsupportedVersion(let found, let supported):
            "the adapter's format version is \(found); this build reads \(supported)"
        case .wrongBase(let loaded, let adapters):
            "the adapter was made for the base model with SHA-256 \(adapters), but the loaded one has \(loaded)"
        case .missingTensor(let name): "the adapter lacks the tensor \(name)"
        case .unexpectedTensor(let name): "the adapter holds an unknown tensor \(name)"
        case .wrongShape(let tensor, let expected, let found):
            "the adapter's tensor \(tensor) has shape \(found), expected \(expected)"
        case .nonFinite(let tensor): "the adapter's tensor \(tensor) holds NaN or infinity"
        }
    }
}
