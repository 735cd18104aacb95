package import Imaging

/// What the samples of a file say about its being a mask.
package enum MaskSamples {
    /// Values of more than this number are no labels that anybody drew.
    static let labelLimit = 32
    /// Of the marked pixels: from here on greys are no slip.
    static let greyShare = 0.02

    /// Whether edges have greys as smooth scaling and lossy compression leave them: each of these pixels would count as object, or as a
    /// label of its own. Of a file whose brightest value is the brightest that there is and marks most of what is marked.
    package static func hasSoftEdges(_ raw: RawImage) -> Bool {
        let (marked, grey) = count(raw, peak: UInt16((1 << raw.bitDepth) - 1))
        return 2 * grey <= marked && isMuch(grey, of: marked)
    }

    /// Whether there are more values than labels have, and many between 0 and the brightest: as of soft edges, or of an image.
    package static func isContinuous(_ raw: RawImage) -> Bool {
        var seen = [Bool](repeating: false, count: 1 << 16)
        for pixel in 0..<raw.width * raw.height { seen[Int(raw.samples[pixel * raw.channels])] = true }
        guard seen.count(where: \.self) > labelLimit else { return false }
        let (marked, grey) = greys(raw)
        return isMuch(grey, of: marked)
    }

    /// Marked pixels, and those of them that are neither the brightest value nor near it. Of all pixels: the faint first rows of a soft mask
    /// tell little.
    static func greys(_ raw: RawImage) -> (marked: Int, grey: Int) {
        let peak = (0..<raw.width * raw.height).reduce(0) { max($0, raw.samples[$1 * raw.channels]) }
        return count(raw, peak: peak)
    }

    static func isMuch(_ grey: Int, of marked: Int) -> Bool { Double(grey) > greyShare * Double(marked) }

    private static func count(_ raw: RawImage, peak: UInt16) -> (marked: Int, grey: Int) {
        // Of a coloured palette the values are numbers of labels: none is between others.
        let isGrey = raw.paletteIndices == nil
        var (marked, grey) = (0, 0)
        for pixel in 0..<raw.width * raw.height {
            let value = raw.samples[pixel * raw.channels]
            guard value > 0 else { continue }
            marked += 1
            if isGrey, Int(value) < Int(peak) * 9 / 10 { grey += 1 }
        }
        return (marked, grey)
    }
}
