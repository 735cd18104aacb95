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

extension Example {
    /// A bright disc on a dark ground, for measuring speed: what is in a picture makes no difference to it.
    static func disc(side: Int) -> Example {
        let marked: [UInt8] = (0..<side * side).map { index in
            let (x, y) = (index % side - side / 2, index / side - side / 2)
            return x * x + y * y <= side * side / 9 ? 1 : 0
        }
        return Example(
            image: RGBImage(width: side, height: side, grey: marked.map { 60 + 120 * $0 }),
            mask: Mask(width: side, height: side, pixels: marked))
    }
}
