/// Width and height in pixels.
package struct Extent: Sendable, Equatable, CustomStringConvertible {
    package let width: Int
    package let height: Int

    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    package var description: String { "\(width)x\(height)" }
}

/// Why a run could not start or did not finish. Examples are counted from 0, in the order in which they were given.
package enum AdaptationError: Error, Equatable, Sendable, CustomStringConvertible {
    case noExamples
    case sizeMismatch(example: Int, image: Extent, mask: Extent)
    case emptyMask(example: Int)
    /// The loss or a gradient became infinite or not a number at `step`, counted from 1.
    case nonFinite(step: Int, what: String)
    /// Cancelled after `step` finished steps.
    case cancelled(step: Int)
    /// A checkpoint belongs to another run.
    case checkpointMismatch(field: String, expected: String, found: String)

    package var description: String {
        switch self {
        case .noExamples: "the support set is empty; at least one image with its mask is needed"
        case .sizeMismatch(let example, let image, let mask):
            "support example \(example): the mask is \(mask) pixels but its image is \(image)"
        case .emptyMask(let example): "support example \(example): the mask marks no pixel"
        case .nonFinite(let step, let what):
            "\(what) is not a finite number at step \(step); a lower learning rate may help"
        case .cancelled(let step): "cancelled after step \(step)"
        case .checkpointMismatch(let field, let expected, let found):
            "the checkpoint belongs to another run: \(field) is \(found), expected \(expected)"
        }
    }
}
