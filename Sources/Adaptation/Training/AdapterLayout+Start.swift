import Basics
package import SegmentAnything
package import Tensor

extension AdapterLayout {
    /// The tensors at the start of a run, one per entry: the adapted model equals the base model.
    ///
    /// Down factors are uniform in ±1/√W (what `nn.Linear` starts with, as LoRA's authors do), up factors zero,
    /// overrides and the rows of labels the model's own.
    package func start(model: SegmentAnythingModel, seed: UInt64) -> [Tensor] {
        // A constant of its own, so that factors and prompts never share a sequence.
        var generator = SeededRandom(seed: seed ^ 0x4C6F_5241)
        return entries.map { entry in
            switch entry.role {
            case .down:
                let bound = 1 / Float(entry.shape[1]).squareRoot()
                let elements = (0..<entry.shape[0] * entry.shape[1]).map { _ in
                    (generator.uniform() * 2 - 1) * bound
                }
                return Tensor(shape: entry.shape, elements)
            case .up: return Tensor(zeros: entry.shape)
            case .override: return model.parameter(entry.name).tensor
            case .labels:
                let row = model.parameter(modelName(of: entry)).tensor.elements.prefix(entry.shape[1])
                return Tensor(shape: entry.shape, (0..<entry.shape[0]).flatMap { _ in row })
            }
        }
    }
}
