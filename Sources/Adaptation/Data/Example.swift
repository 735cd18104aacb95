import Basics
import Cryptography
package import Imaging

/// One labelled image of the support set: what the model sees, and its truth, pixel for pixel.
package struct Example: Sendable {
    package let image: RGBImage
    package let labels: LabelImage

    package init(image: RGBImage, labels: LabelImage) {
        self.image = image
        self.labels = labels
    }

    /// Of a task with one label.
    package init(image: RGBImage, mask: Mask) { self.init(image: image, labels: LabelImage(mask)) }

    /// All labels as one object.
    package var mask: Mask { labels.foreground }
}

/// Examples that were checked: at least one, each with labels of its image's size that mark something.
struct SupportSet: Sendable {
    /// One label on one example that shows it: what a step trains on, and what is measured.
    struct Item: Sendable, Equatable {
        let example: Int
        let label: Int

        /// Tells items apart in a seed; the example's index for the first label.
        var number: UInt64 { UInt64(label) << 32 | UInt64(example) }
    }

    let examples: [Example]
    let labelCount: Int
    /// By example, then by label; with one label as many as examples.
    let items: [Item]

    init(_ examples: [Example], labelCount: Int = 1) throws(AdaptationError) {
        precondition((1...LabelImage.labelLimit).contains(labelCount), "\(labelCount) labels")
        guard !examples.isEmpty else { throw .noExamples }
        var items: [Item] = []
        for (index, example) in examples.enumerated() {
            let (image, labels) = (example.image, example.labels)
            guard image.width == labels.width, image.height == labels.height else {
                throw .sizeMismatch(
                    example: index, image: Extent(width: image.width, height: image.height),
                    mask: Extent(width: labels.width, height: labels.height))
            }
            let present = labels.present
            guard let last = present.last else { throw .emptyMask(example: index) }
            precondition(last < labelCount, "label \(last) of \(labelCount)")
            items += present.map { Item(example: index, label: $0) }
        }
        self.examples = examples
        self.labelCount = labelCount
        self.items = items
    }

    /// Labels that an example does not show: with one label none, as every example shows it.
    func absent(from example: Int) -> [Int] {
        guard labelCount > 1 else { return [] }
        let shown = Set(examples[example].labels.present)
        return (0..<labelCount).filter { !shown.contains($0) }
    }

    /// Draws prompts from what the item marks. Made anew each time: a label's mask of its own for each would hold the whole
    /// set once per label.
    func simulator(_ item: Item) -> PromptSimulator {
        guard let simulator = PromptSimulator(mask: examples[item.example].labels.mask(item.label)) else {
            preconditionFailure("an item marks something")
        }
        return simulator
    }

    /// SHA-256 over sizes, pixels and masks in order: says whether a checkpoint was made from the same examples.
    var digest: String {
        var hash = SHA256()
        for example in examples {
            hash.update(example.image.sizePrefix)
            hash.update(example.image.pixels)
            hash.update(example.labels.pixels)
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
