/// Why run lengths are not a mask.
package enum RunLengthError: Error, Equatable, Sendable {
    case size(width: Int, height: Int)
    case negativeCount(index: Int)
    /// The runs must cover every pixel once. Counting stops at the first run that goes beyond.
    case wrongTotal(found: Int, expected: Int)
}

/// A mask as the lengths of its runs, in the uncompressed form of COCO (pycocotools, and Segment Anything's own output):
/// down the columns, left to right, the first run counting zeros.
package struct RunLengths: Sendable, Equatable {
    package let width: Int
    package let height: Int
    package let counts: [Int]

    package init(width: Int, height: Int, counts: [Int]) {
        self.width = width
        self.height = height
        self.counts = counts
    }
}

extension Mask {
    package func runLengths() -> RunLengths {
        var counts: [Int] = []
        var (value, run): (UInt8, Int) = (0, 0)
        for x in 0..<width {
            for y in 0..<height {
                if pixels[y * width + x] != value {
                    counts.append(run)
                    (value, run) = (1 - value, 0)
                }
                run += 1
            }
        }
        counts.append(run)
        return RunLengths(width: width, height: height, counts: counts)
    }

    /// - Throws: `RunLengthError`: nothing is trusted, neither the size (checked against `limits`) nor the counts.
    package init(_ runs: RunLengths, limits: ImageLimits = .standard) throws(RunLengthError) {
        guard (1...limits.maximumSide).contains(runs.width), (1...limits.maximumSide).contains(runs.height),
            runs.width <= limits.maximumPixels / runs.height
        else { throw .size(width: runs.width, height: runs.height) }
        let total = runs.width * runs.height
        var pixels = [UInt8](repeating: 0, count: total)
        var position = 0
        for (index, count) in runs.counts.enumerated() {
            guard count >= 0 else { throw .negativeCount(index: index) }
            guard count <= total - position else {
                let sum = position.addingReportingOverflow(count)
                throw .wrongTotal(found: sum.overflow ? .max : sum.partialValue, expected: total)
            }
            if !index.isMultiple(of: 2) {
                for offset in position..<position + count {
                    pixels[offset % runs.height * runs.width + offset / runs.height] = 1
                }
            }
            position += count
        }
        guard position == total else { throw .wrongTotal(found: position, expected: total) }
        self.init(width: runs.width, height: runs.height, pixels: pixels)
    }
}
