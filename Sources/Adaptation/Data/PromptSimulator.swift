package import Basics
package import Imaging
package import SegmentAnything

/// The ways in which a user may point at an object; adaptation trains on all of them.
package enum PromptKind: String, Codable, Sendable, CaseIterable {
    /// Nothing: the adapted model is to find the object by itself.
    case none
    /// The box of the object's extent, each side moved at random.
    case box
    /// One point inside the object.
    case point
    /// Two to four points inside, half the time with one outside, a third of the time with the box.
    case points
}

/// Draws prompts from ground truth, as a user might have given them (paper §3.3).
///
/// Every draw uses only the generator that is passed in, so equal seeds give equal prompts. Coordinates are pixels of
/// the mask's image, centres at integers.
package struct PromptSimulator: Sendable {
    /// How far a box side moves at most, as a share of the extent's larger side.
    package static let boxOffset: Float = 0.1
    // How often a point outside is tried before the prompt goes without: an object may fill its whole surroundings.
    private static let attemptsOutside = 32

    private let mask: Mask
    private let extent: PixelBox
    /// Foreground pixels in all rows up to and including the row.
    private let cumulative: [Int]

    /// Nil when the mask marks no pixel: there is nothing to point at.
    package init?(mask: Mask) {
        guard let extent = mask.boundingBox else { return nil }
        self.mask = mask
        self.extent = extent
        var total = 0
        cumulative = mask.pixels.withUnsafeBufferPointer { pixels in
            (0..<mask.height).map { row in
                for pixel in pixels[row * mask.width..<(row + 1) * mask.width] { total += Int(pixel) }
                return total
            }
        }
    }

    /// A prompt of the given kind.
    package func prompt(_ kind: PromptKind, using generator: inout SeededRandom) -> Prompt {
        switch kind {
        case .none:
            return Prompt()
        case .box:
            return Prompt(box: box(using: &generator))
        case .point:
            return Prompt(points: [pointInside(using: &generator)])
        case .points:
            var points = (0..<2 + generator.index(below: 3)).map { _ in pointInside(using: &generator) }
            if generator.index(below: 2) == 0, let outside = pointOutside(using: &generator) { points.append(outside) }
            let withBox = generator.index(below: 3) == 0
            return Prompt(points: points, box: withBox ? box(using: &generator) : nil)
        }
    }

    /// The extent with each side moved by up to `boxOffset` of the larger side, kept in the image and at least a pixel.
    private func box(using generator: inout SeededRandom) -> Prompt.Box {
        let reach = Self.boxOffset * Float(max(extent.width, extent.height))
        func moved(_ side: Int, limit: Int) -> Float {
            let offset = (generator.uniform() * 2 - 1) * reach
            return min(max((Float(side) + offset).rounded(), 0), Float(limit - 1))
        }
        let (x0, y0) = (moved(extent.x0, limit: mask.width), moved(extent.y0, limit: mask.height))
        let (x1, y1) = (moved(extent.x1, limit: mask.width), moved(extent.y1, limit: mask.height))
        return Prompt.Box(x0: min(x0, x1), y0: min(y0, y1), x1: max(x0, x1), y1: max(y0, y1))
    }

    /// A foreground pixel, all equally likely.
    private func pointInside(using generator: inout SeededRandom) -> Prompt.Point {
        let total = cumulative[cumulative.count - 1]
        var rank = generator.index(below: total)
        // The first row whose running total exceeds the rank holds the pixel.
        var (low, high) = (0, cumulative.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > rank { high = middle } else { low = middle + 1 }
        }
        rank -= low == 0 ? 0 : cumulative[low - 1]
        var column = 0
        for x in 0..<mask.width where mask.pixels[low * mask.width + x] != 0 {
            column = x
            if rank == 0 { break }
            rank -= 1
        }
        return Prompt.Point(x: Float(column), y: Float(low), isForeground: true)
    }

    /// A background pixel near the object: within its extent grown by half on every side. Nil when luck finds none.
    private func pointOutside(using generator: inout SeededRandom) -> Prompt.Point? {
        let (growX, growY) = (extent.width / 2 + 1, extent.height / 2 + 1)
        let columns = max(extent.x0 - growX, 0)...min(extent.x1 + growX, mask.width - 1)
        let rows = max(extent.y0 - growY, 0)...min(extent.y1 + growY, mask.height - 1)
        for _ in 0..<Self.attemptsOutside {
            let x = columns.lowerBound + generator.index(below: columns.count)
            let y = rows.lowerBound + generator.index(below: rows.count)
            if !mask[x, y] { return Prompt.Point(x: Float(x), y: Float(y), isForeground: false) }
        }
        return nil
    }
}
