import Basics
import Cryptography
package import Tensor

/// The frozen weights of a Segment Anything model, shared by every task that is adapted from it.
///
/// Tensors keep the names and shapes of the PyTorch package's state dict. Those stored as float32 stay in the mapped
/// file; only the few whose layout differs from what the kernels want (convolutions, position tables) are copied.
package final class SegmentAnythingModel: Sendable {
    package let configuration: Configuration
    /// Lower-case hexadecimal SHA-256 of the file's bytes; of configuration and seed for a random model.
    package let sha256: String
    /// The metadata of the file, such as `gmiseg.card`.
    package let metadata: [String: String]
    /// Names of all tensors, sorted.
    package let parameterNames: [String]
    /// The position encoding of an image embedding's tokens, `[g, g, C]`.
    package let gridEncoding: Tensor
    private let parameters: [String: Value]
    private let arranged: [String: Value]

    package var name: String { configuration.name }

    /// The number of weights.
    package var parameterCount: Int { parameters.values.reduce(0) { $0 + $1.tensor.count } }

    /// Maps the file at `path`, of any format that ``Checkpoint`` reads; every tensor's shape and every weight is checked
    /// here, once.
    package convenience init(path: String) throws(ModelError) { try self.init(Checkpoint(path: path)) }

    package convenience init(_ checkpoint: Checkpoint) throws(ModelError) {
        self.init(
            configuration: checkpoint.configuration, tensors: try checkpoint.tensors(), sha256: checkpoint.sha256(),
            metadata: checkpoint.metadata)
    }

    /// A model of the given size with random weights: for tests and for measuring speed.
    ///
    /// - Parameter configuration: Valid; see ``Configuration/validate()``.
    package convenience init(configuration: Configuration, randomSeed: UInt64) {
        var generator = SeededRandom(seed: randomSeed)
        var tensors: [String: Tensor] = [:]
        for parameter in configuration.parameterShapes {
            tensors[parameter.name] = Self.randomTensor(parameter, using: &generator)
        }
        let identity = "random weights, seed \(randomSeed), \(configuration.json)"
        self.init(configuration: configuration, tensors: tensors, sha256: SHA256.hex(identity.utf8), metadata: [:])
    }

    private init(configuration: Configuration, tensors: [String: Tensor], sha256: String, metadata: [String: String]) {
        self.configuration = configuration
        self.sha256 = sha256
        self.metadata = metadata
        parameterNames = tensors.keys.sorted()
        parameters = tensors.mapValues { Value($0) }
        var arranged: [String: Value] = [:]
        for (name, arrangement) in configuration.arrangements {
            guard let value = parameters[name] else { preconditionFailure("no parameter \(name) to arrange") }
            arranged[name] = arrangement(value)
        }
        self.arranged = arranged
        guard let matrix = tensors[PositionEncoding.matrixName] else { preconditionFailure("no position encoding") }
        gridEncoding = PositionEncoding(matrix).ofGrid(configuration.grid)
    }

    /// The weight called `name`, one of `parameterNames`, in the state dict's shape. A constant.
    package func parameter(_ name: String) -> Value {
        guard let value = parameters[name] else { preconditionFailure("the model has no parameter \(name)") }
        return value
    }

    /// The weight called `name` in the layout that the kernels want; see ``Arrangement``.
    func arrangedParameter(_ name: String) -> Value {
        guard let value = arranged[name] else { preconditionFailure("no arrangement of \(name)") }
        return value
    }

    /// Writes weights and configuration as a file that ``init(path:)`` reads.
    package func write(
        to path: String, as precision: Safetensors.Precision, adding: [String: String] = [:]
    ) throws(SafetensorsError) {
        var metadata = metadata.merging(adding) { $1 }
        metadata["format"] = "pt"
        metadata[Configuration.metadataKey] = configuration.json
        let tensors = parameterNames.map { (name: $0, tensor: parameter($0).tensor) }
        try Safetensors.write(tensors, metadata: metadata, to: path, as: precision)
    }
}

extension SegmentAnythingModel {
    /// Uniform with variance 1 / fan-in; norms start as the identity. Position and prompt embeddings have variance 1/3.
    private static func randomTensor(_ parameter: ParameterShape, using generator: inout SeededRandom) -> Tensor {
        let (name, shape) = (parameter.name, parameter.shape)
        if shape.count == 1 {
            return name.hasSuffix("weight") ? Tensor(filled: 1, shape: shape) : Tensor(zeros: shape)
        }
        // A transposed convolution's input channels come first.
        let fanIn = name.contains("output_upscaling") ? shape[0] : shape.dropFirst().reduce(1, *)
        let isTable = name.contains("embed") && !name.contains("patch_embed") || name.contains("rel_pos")
        let isToken = name.contains("token.") || name.contains("tokens.") || name.contains("gaussian_matrix")
        let bound: Float = isTable || isToken ? 1 : (3 / Float(fanIn)).squareRoot()
        return Tensor(shape: shape) { elements in
            for index in elements.indices { elements[index] = bound * (2 * generator.uniform() - 1) }
        }
    }
}
