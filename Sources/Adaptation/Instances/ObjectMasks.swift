package import Imaging

/// Objects of one kind in one image, as they are counted and their areas added up: no pixel is of two of them.
package enum ObjectMasks {
    /// A mask that lies in another of at least so many times its area is a scrap of that, and no object.
    static let scrap = 4

    /// Takes from each mask what a better one has. In place: a mask has as many bytes as the image pixels, and there may be hundreds.
    ///
    /// - Parameters:
    ///   - masks: Of one size, the best first: it has the pixels that two of them claim.
    ///   - least: The fewest pixels of an object.
    /// - Returns: The places of those that are objects, ascending; the others are no more to be looked at.
    package static func separate(_ masks: inout [Mask], least: Int) -> [Int] {
        let areas = masks.map(\.area)
        let boxes = masks.map(\.boundingBox)
        let least = max(least, 1)
        let large = masks.indices.filter { areas[$0] >= least }
        let objects = large.filter { index in
            !large.contains { other in
                guard areas[other] >= scrap * areas[index], let box = boxes[index], let around = boxes[other],
                    let shared = box.intersection(around)
                else { return false }
                return 2 * overlap(masks[index], masks[other], shared) >= areas[index]
            }
        }
        var taken = [UInt8](repeating: 0, count: masks.first?.pixels.count ?? 0)
        return objects.filter { index in
            let mask = masks[index]
            let own = Mask(
                width: mask.width, height: mask.height, pixels: zip(mask.pixels, taken).map { $0 & (1 - $1) })
            let area = own.area
            // Most of it is others': it shows what they show.
            guard area >= least, 2 * area >= areas[index] else { return false }
            for (pixel, mark) in own.pixels.enumerated() where mark != 0 { taken[pixel] = 1 }
            masks[index] = own
            return true
        }
    }

    private static func overlap(_ one: Mask, _ other: Mask, _ box: PixelBox) -> Int {
        (box.y0...box.y1).reduce(0) { sum, y in
            sum + (box.x0...box.x1).count { one.pixels[y * one.width + $0] & other.pixels[y * one.width + $0] != 0 }
        }
    }
}
