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
    /// Where the mask's first pixel lies in the image that prompts are for.
    private let origin: (x: Int, y: Int)
    private let extent: PixelBox
    /// Foreground pixels in all rows up to and including the row.
    private let cumulative: [Int]

    /// Nil when the mask marks no pixel: there is nothing to point at.
    ///
    /// - Parameters:
    ///   - mask: Of an image, or of a part of it; prompts stay within.
    ///   - origin: The place in the image of the part's upper left pixel; prompts are in pixels of the image.
    package init?(mask: Mask, origin: (x: Int, y: Int) = (0, 0)) {
        guard let extent = mask.boundingBox else { return nil }
        self.mask = mask
        self.origin = origin
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
        let prompt = drawn(kind, using: &generator)
        return origin == (0, 0) ? prompt : prompt.moved(x: Float(origin.x), y: Float(origin.y))
    }

    private func drawn(_ kind: PromptKind, using generator: inout SeededRandom) -> Prompt {
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

    /// The box of a hand that takes care to cut nothing off: the extent, a twentieth of its larger side wider on each side and at
    /// least a pixel, kept in the image.
    package func carefulBox() -> Prompt {
        let reach = max(Self.boxOffset / 2 * Float(max(extent.width, extent.height)), 1).rounded()
        let box = Prompt.Box(
            x0: max(Float(extent.x0) - reach, 0), y0: max(Float(extent.y0) - reach, 0),
            x1: min(Float(extent.x1) + reach, Float(mask.width - 1)),
            y1: min(Float(extent.y1) + reach, Float(mask.height - 1)))
        let prompt = Prompt(box: box)
        return origin == (0, 0) ? prompt : prompt.moved(x: Float(origin.x), y: Float(origin.y))
    }

    private func pointInside(using generator: inout SeededRandom) -> Prompt.Point {
        let pixel = pixelInside(using: &generator)
        return Prompt.Point(x: Float(pixel.x), y: Float(pixel.y), isForeground: true)
    }

    /// A foreground pixel of the mask, all equally likely.
    func pixelInside(using generator: inout SeededRandom) -> (x: Int, y: Int) {
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
        return (column, low)
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

extension Prompt {
    /// The same prompt, so many pixels to the right and down.
    fileprivate func moved(x: Float, y: Float) -> Prompt {
        Prompt(
            points: points.map { Point(x: $0.x + x, y: $0.y + y, isForeground: $0.isForeground) },
            box: box.map { Box(x0: $0.x0 + x, y0: $0.y0 + y, x1: $0.x1 + x, y1: $0.y1 + y) }, maskLogits: maskLogits)
    }
}
