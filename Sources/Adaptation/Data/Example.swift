import Basics
import Cryptography
package import Imaging

/// One labelled image of the support set: what the model sees, and its truth, pixel for pixel.
package struct Example: Sendable {
    package let image: RGBImage
    package let mask: Mask

    package init(image: RGBImage, mask: Mask) {
        self.image = image
        self.mask = mask
    }
}

/// Examples that were checked: at least one, each with a mask of its image's size that marks something.
struct SupportSet: Sendable {
    let examples: [Example]
    /// One per example; draws prompts from its mask.
    let simulators: [PromptSimulator]

    init(_ examples: [Example]) throws(AdaptationError) {
        guard !examples.isEmpty else { throw .noExamples }
        var simulators: [PromptSimulator] = []
        for (index, example) in examples.enumerated() {
            let (image, mask) = (example.image, example.mask)
            guard image.width == mask.width, image.height == mask.height else {
                throw .sizeMismatch(
                    example: index, image: Extent(width: image.width, height: image.height),
                    mask: Extent(width: mask.width, height: mask.height))
            }
            guard let simulator = PromptSimulator(mask: mask) else { throw .emptyMask(example: index) }
            simulators.append(simulator)
        }
        self.examples = examples
        self.simulators = simulators
    }

    /// SHA-256 over sizes, pixels and masks in order: says whether a checkpoint was made from the same examples.
    var digest: String {
        var hash = SHA256()
        for example in examples {
            hash.update(example.image.sizePrefix)
            hash.update(example.image.pixels)
            hash.update(example.mask.pixels)
        }
        return Hex.string(hash.finalize())
    }
}
