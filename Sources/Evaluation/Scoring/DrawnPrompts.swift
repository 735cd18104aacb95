import Basics
package import Imaging
package import SegmentAnything

/// The prompts for one target, as a user might give them; a function of its key, so that every model gets the same.
package struct DrawnPrompts: Sendable {
    /// How far a box edge moves at most, as a share of the side that it bounds.
    package static let boxOffset: Float = 0.1

    package let exactBox: Prompt.Box
    package let box: Prompt.Box
    /// Three foreground pixels, each drawn from all. The first is the one of `1-point` and of `1+4`.
    package let points: [Prompt.Point]
    package let centre: Prompt.Point

    /// - Parameter truth: Not empty.
    package init(_ truth: Mask, key: DrawKey) {
        guard let extent = truth.boundingBox else { preconditionFailure("there is nothing to point at") }
        exactBox = Prompt.Box(
            x0: Float(extent.x0), y0: Float(extent.y0), x1: Float(extent.x1), y1: Float(extent.y1))
        box = Self.moved(extent, in: truth, key: key)

        let inside = truth.pixels.indices.filter { truth.pixels[$0] != 0 }
        var generator = key.generator("points")
        points = (0..<3).map { _ in
            let pixel = inside[generator.index(below: inside.count)]
            return .foreground(x: pixel % truth.width, y: pixel / truth.width)
        }
        let crop = truth.cropped(to: extent)
        guard let deepest = DistanceTransform.deepestPixel(in: crop) else { preconditionFailure("the mask is empty") }
        centre = .foreground(x: deepest.x + extent.x0, y: deepest.y + extent.y0)
    }

    /// Not rounded to pixels, which would leave the boxes of small objects exact.
    private static func moved(_ extent: PixelBox, in mask: Mask, key: DrawKey) -> Prompt.Box {
        var generator = key.generator("box")
        func moved(_ edge: Int, side: Int, limit: Int) -> Float {
            let offset = (2 * generator.uniform() - 1) * boxOffset * Float(side)
            return min(max(Float(edge) + offset, 0), Float(limit - 1))
        }
        let (x0, x1) = (
            moved(extent.x0, side: extent.width, limit: mask.width),
            moved(extent.x1, side: extent.width, limit: mask.width)
        )
        let (y0, y1) = (
            moved(extent.y0, side: extent.height, limit: mask.height),
            moved(extent.y1, side: extent.height, limit: mask.height)
        )
        return Prompt.Box(x0: min(x0, x1), y0: min(y0, y1), x1: max(x0, x1), y1: max(y0, y1))
    }

    /// The first prompt of a style; only `corrected` adds to it.
    package func prompt(_ style: PromptStyle) -> Prompt {
        switch style {
        case .box: Prompt(box: box)
        case .exactBox: Prompt(box: exactBox)
        case .onePoint, .corrected: Prompt(points: [points[0]])
        case .centrePoint: Prompt(points: [centre])
        case .threePoints: Prompt(points: points)
        case .none: .none
        }
    }
}

extension Prompt.Point {
    static func foreground(x: Int, y: Int) -> Prompt.Point {
        Prompt.Point(x: Float(x), y: Float(y), isForeground: true)
    }
}
