/// What the encoder's blocks keep for the backward pass. Without effect where no gradient is needed.
///
/// The last blocks keep everything, as many as fit in a number of bytes. Those before them keep their input alone and
/// compute what lies between again: less memory, a third more work.
package struct Checkpointing: Sendable {
    private let bytes: Int

    package init(beyond bytes: Int) { self.bytes = bytes }

    /// All blocks of ViT-B and of the embedded model, nine of ViT-L.
    package static let standard = Checkpointing(beyond: standardBytes)
    private static let standardBytes = 1700 << 20

    /// What one image's blocks keep at most by the standard.
    package static func keptBytes(of configuration: Configuration) -> Int {
        min(standardBytes, configuration.depth * configuration.keptBytes(batch: 1))
    }

    /// Whether block `index` keeps its input alone.
    ///
    /// - Parameter batch: Images in one pass.
    package func applies(to index: Int, of configuration: Configuration, batch: Int) -> Bool {
        (configuration.depth - index) * configuration.keptBytes(batch: batch) > bytes
    }
}

extension Configuration {
    /// What one block under adaptation keeps: input, normed input, query, key, value, attention's output, the sum after it,
    /// and the hidden layer of the MLP.
    fileprivate func keptBytes(batch: Int) -> Int {
        batch * grid * grid * width * (7 + mlpRatio) * MemoryLayout<Float>.stride
    }
}
