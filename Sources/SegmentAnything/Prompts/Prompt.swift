package import Tensor

/// What a user says about one object. Empty is a prompt too: "whatever this model was adapted to find".
///
/// Coordinates are pixels of the original image, x right, y down, pixel centres at integers.
package struct Prompt: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package var x: Float
        package var y: Float
        /// Whether the object is here, or is not here.
        package var isForeground: Bool

        package init(x: Float, y: Float, isForeground: Bool) {
            self.x = x
            self.y = y
            self.isForeground = isForeground
        }
    }

    /// Both corners lie in the box.
    package struct Box: Sendable, Equatable {
        package var x0: Float
        package var y0: Float
        package var x1: Float
        package var y1: Float

        package init(x0: Float, y0: Float, x1: Float, y1: Float) {
            self.x0 = x0
            self.y0 = y0
            self.x1 = x1
            self.y1 = y1
        }
    }

    package var points: [Point]
    package var box: Box?
    /// A coarse mask as logits over the padded square, `[4g, 4g]`: a former answer's, or one made from a mask.
    package var maskLogits: Tensor?

    package init(points: [Point] = [], box: Box? = nil, maskLogits: Tensor? = nil) {
        self.points = points
        self.box = box
        self.maskLogits = maskLogits
    }

    /// No hint at all.
    package static let none = Prompt()

    package static func == (one: Prompt, other: Prompt) -> Bool {
        one.points == other.points && one.box == other.box && one.maskLogits?.shape == other.maskLogits?.shape
            && one.maskLogits?.elements == other.maskLogits?.elements
    }
}

extension Prompt {
    /// What must agree for prompts to be decoded in one batch.
    struct Kind: Hashable {
        let pointCount: Int
        let hasBox: Bool
        let hasMask: Bool

        /// n: a padding point stands in for the missing box beside points; no hint at all has no token.
        var tokenCount: Int { hasBox ? pointCount + 2 : pointCount > 0 ? pointCount + 1 : 0 }
    }

    var kind: Kind { Kind(pointCount: points.count, hasBox: box != nil, hasMask: maskLogits != nil) }

    /// A click that may mean several things, and nothing that says which.
    var isLonePoint: Bool { kind == Kind(pointCount: 1, hasBox: false, hasMask: false) }
}
