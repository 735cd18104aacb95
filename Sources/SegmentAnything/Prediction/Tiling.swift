package import Imaging

/// An image cut into overlapping squares, each shown to the encoder by itself: for objects that are thinner than the cells
/// in which a model draws its mask over the whole image, such as vessels.
package struct Tiling: Sendable, Hashable {
    /// Of a tile, in pixels of the original image. An image that is smaller is one tile.
    package let side: Int

    /// Sides that make sense.
    package static let sides = 16...4_096
    /// Tiles of one image at most: each costs a pass of the encoder and an embedding in memory.
    package static let limit = 64
    /// The longer side of an image that a task in tiles may learn from: its mask is put together in a square of that side.
    package static let longestImageSide = 8_192
    /// The least share of a tile's side that it has in common with its neighbour.
    private static let overlap = 0.25

    package init(side: Int) {
        precondition(Tiling.sides.contains(side), "tiles of \(side) pixels")
        self.side = side
    }

    /// Of the tiles of an image, in its pixels: of one that would need more than `limit` they are larger, in steps of an eighth.
    package func side(width: Int, height: Int, limit: Int = limit) -> Int {
        var side = self.side
        while Tiling.count(width, side) * Tiling.count(height, side) > limit { side += max(side / 8, 1) }
        return side
    }

    /// The tiles of an image, row by row, at most `limit`; together they show all of it.
    package func windows(width: Int, height: Int, limit: Int = limit) -> [PixelBox] {
        let side = side(width: width, height: height, limit: limit)
        let columns = Tiling.starts(width, side)
        return Tiling.starts(height, side).flatMap { y in
            columns.map { x in
                PixelBox(x0: x, y0: y, x1: min(x + side, width) - 1, y1: min(y + side, height) - 1)
            }
        }
    }

    /// How many tiles of this very side an image needs.
    package func count(width: Int, height: Int) -> Int { Tiling.count(width, side) * Tiling.count(height, side) }

    private static func count(_ length: Int, _ side: Int) -> Int {
        guard length > side else { return 1 }
        let stride = max(side - Int(overlap * Double(side)), 1)
        return (length - side + stride - 1) / stride + 1
    }

    /// Evenly from one edge to the other.
    private static func starts(_ length: Int, _ side: Int) -> [Int] {
        let count = count(length, side)
        guard count > 1 else { return [0] }
        return (0..<count).map { ($0 * (length - side) + (count - 1) / 2) / (count - 1) }
    }
}

extension Tiling {
    /// Whether `prompt` wants the tile: a box says where the object ends.
    package static func concerns(_ prompt: Prompt, _ window: PixelBox) -> Bool {
        guard let box = prompt.box else { return true }
        return box.x0 <= Float(window.x1) + 0.5 && box.x1 >= Float(window.x0) - 0.5
            && box.y0 <= Float(window.y1) + 0.5 && box.y1 >= Float(window.y0) - 0.5
    }

    /// What `prompt`, and a mask of the whole image, say within a tile: the points in it, and the box as far as it reaches. A
    /// box around all of the tile says nothing there.
    package static func part(of prompt: Prompt, mask: Mask?, in window: PixelBox, model: Configuration) -> Prompt {
        let (left, right) = (Float(window.x0), Float(window.x1))
        let (top, bottom) = (Float(window.y0), Float(window.y1))
        var part = Prompt(
            points: prompt.points.filter { point in
                (left - 0.5...right + 0.5).contains(point.x) && (top - 0.5...bottom + 0.5).contains(point.y)
            })
        if let box = prompt.box, box.x0 > left || box.x1 < right || box.y0 > top || box.y1 < bottom {
            // A corner within half a pixel of the tile counts as its edge.
            part.box = Prompt.Box(
                x0: min(max(box.x0, left), right), y0: min(max(box.y0, top), bottom),
                x1: min(max(box.x1, left), right), y1: min(max(box.y1, top), bottom))
        }
        part.maskLogits = mask.map { Prompt.maskLogits($0.cropped(to: window), model: model) }
        return part
    }
}
