/// Under whose names a file keeps the weights of a Segment Anything model.
package enum NamingScheme: String, Sendable {
    /// The state dict of the PyTorch package `segment-anything`, which MedSAM and most others keep.
    case original
    /// `SamModel` of Hugging Face's `transformers`.
    case transformers
}

/// Which tensor of a file is which of the original state dict.
struct TensorNames: Sendable {
    let scheme: NamingScheme
    /// The file's name for each original one.
    let stored: [String: String]

    /// - Parameter names: The file's, sorted.
    init(_ names: [String]) throws(ModelError) {
        let bare = names.map { (stored: $0, name: Self.withoutWrapper($0)) }
        scheme = bare.contains { $0.name.hasPrefix("vision_encoder.") } ? .transformers : .original
        var stored: [String: String] = [:]
        let translation = scheme == .transformers ? TransformersNames(bare.map(\.name)) : nil
        for (file, name) in bare {
            let original = translation?.original(name) ?? name
            guard let other = stored.updateValue(file, forKey: original) else { continue }
            // One matrix that two parts of `SamModel` share; older files hold it twice.
            guard original == TransformersNames.sharedMatrix else {
                throw .ambiguousTensor(original, found: [other, file].sorted())
            }
        }
        self.stored = stored
    }

    /// Without what `torch.nn.DataParallel` puts before every name.
    private static func withoutWrapper(_ name: String) -> String {
        name.hasPrefix("module.") ? String(name.dropFirst("module.".count)) : name
    }
}
