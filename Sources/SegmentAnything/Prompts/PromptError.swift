import Tensor

/// Why a prompt cannot be used. `field` is its place in the prompt: `points[2].x`, `box.y1`, `mask`.
package enum PromptError: Error, Equatable, Sendable {
    case notFinite(field: String)
    case outside(field: String, value: Float, range: ClosedRange<Float>)
    /// The box's second corner lies before its first.
    case emptyBox(field: String)
    case tooManyPoints(count: Int, limit: Int)
    case maskShape(expected: [Int], found: [Int])
}

extension PromptError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notFinite(let field): "\(field) must be a finite number"
        case .outside(let field, let value, let range):
            "\(field) is \(value), outside the image: it must lie in \(range.lowerBound) to \(range.upperBound)"
        case .emptyBox(let field): "\(field) lies before the box's first corner"
        case .tooManyPoints(let count, let limit): "\(count) points are more than the \(limit) that one prompt may have"
        case .maskShape(let expected, let found): "the mask prompt has shape \(found), the model takes \(expected)"
        }
    }
}

extension Prompt {
    /// More points than anyone clicks; each costs the decoder one token.
    package static let maximumPoints = 256

    /// Throws the first thing that is wrong with the prompt for an image of the given size.
    ///
    /// Points lie on the image, so within half a pixel of its outermost centres. Boxes may reach a pixel further, since
    /// many tools give the corner after the last pixel.
    package func check(width: Int, height: Int, logitsSide: Int) throws(PromptError) {
        if points.count > Prompt.maximumPoints {
            throw .tooManyPoints(count: points.count, limit: Prompt.maximumPoints)
        }
        for (index, point) in points.enumerated() {
            try Prompt.check("points[\(index)].x", point.x, in: -0.5...Float(width) - 0.5)
            try Prompt.check("points[\(index)].y", point.y, in: -0.5...Float(height) - 0.5)
        }
        if let box {
            try Prompt.check("box.x0", box.x0, in: -1...Float(width))
            try Prompt.check("box.y0", box.y0, in: -1...Float(height))
            try Prompt.check("box.x1", box.x1, in: -1...Float(width))
            try Prompt.check("box.y1", box.y1, in: -1...Float(height))
            if box.x1 < box.x0 { throw .emptyBox(field: "box.x1") }
            if box.y1 < box.y0 { throw .emptyBox(field: "box.y1") }
        }
        if let maskLogits {
            let expected = [logitsSide, logitsSide]
            if maskLogits.shape != expected { throw .maskShape(expected: expected, found: maskLogits.shape) }
            if !maskLogits.isFinite { throw .notFinite(field: "mask") }
        }
    }

    private static func check(_ field: String, _ value: Float, in range: ClosedRange<Float>) throws(PromptError) {
        guard value.isFinite else { throw .notFinite(field: field) }
        guard range.contains(value) else { throw .outside(field: field, value: value, range: range) }
    }
}
