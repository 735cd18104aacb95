import Cryptography
package import Tensor

/// A file of Segment Anything weights, of whatever format and naming: opened, recognised, and its shapes checked.
package struct Checkpoint: Sendable {
    /// Where a configuration was found.
    package enum Source: String, Sendable {
        case metadata, shapes
    }

    package let path: String
    package let configuration: Configuration
    package let source: Source
    package let scheme: NamingScheme
    package let file: any TensorFile
    /// Tensors of the file that the model does not have, sorted; they are ignored.
    package let extraTensors: [String]
    private let names: TensorNames

    package var metadata: [String: String] { file.metadata }

    package init(path: String) throws(ModelError) {
        self.path = path
        do {
            file = try TensorFileFormat.open(path: path)
        } catch {
            throw .unreadable(path: path, reason: "\(error)")
        }
        let (file, names) = (file, try TensorNames(file.names))
        func shape(_ name: String) -> [Int]? { names.stored[name].flatMap { file.shape(of: $0) } }
        if let json = file.metadata[Configuration.metadataKey] {
            configuration = try Configuration(json: json)
            source = .metadata
        } else {
            guard let recognised = try Configuration(shapes: shape) else { throw .missingConfiguration(path: path) }
            configuration = recognised
            source = .shapes
        }
        var expected: Set<String> = []
        for parameter in configuration.parameterShapes {
            guard let found = shape(parameter.name) else { throw .missingTensor(parameter.name) }
            guard parameter.accepts(found) else {
                throw .shapeMismatch(tensor: parameter.name, expected: parameter.shape, found: found)
            }
            expected.insert(parameter.name)
        }
        extraTensors = names.stored.filter { !expected.contains($0.key) }.values.sorted()
        scheme = names.scheme
        self.names = names
    }

    /// The model's tensors under their original names, each checked to be finite. In the mapped file where they lie there
    /// in single precision.
    package func tensors() throws(ModelError) -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for parameter in configuration.parameterShapes {
            guard let stored = names.stored[parameter.name] else { throw .missingTensor(parameter.name) }
            let tensor: Tensor
            do {
                tensor = try file.tensor(stored)
            } catch {
                throw .unreadable(path: path, reason: "\(error)")
            }
            guard tensor.isFinite else { throw .nonFinite(tensor: stored) }
            tensors[parameter.name] = tensor
        }
        return tensors
    }

    /// Lower-case hexadecimal SHA-256 of the file's bytes.
    package func sha256() -> String { file.withUnsafeBytes { SHA256.hex($0) } }

    /// How many of the model's tensors are stored in each type.
    package func elementTypes() -> [(type: ElementType, count: Int)] {
        let types = configuration.parameterShapes.compactMap {
            names.stored[$0.name].flatMap { file.elementType(of: $0) }
        }
        return Dictionary(grouping: types, by: \.rawValue).values.map { ($0[0], $0.count) }
            .sorted { ($1.count, $0.type.rawValue) < ($0.count, $1.type.rawValue) }
    }
}
