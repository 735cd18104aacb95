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
        guard raw.paletteIndices == nil else { return false }
        let full = UInt16((1 << raw.bitDepth) - 1)
        let (marked, bright, grey) = count(raw, peak: full)
        return 2 * bright >= marked && Double(grey) > greyShare * Double(marked)
    }

    /// Whether there are more values than labels have, and many between 0 and the brightest: as of soft edges, or of an image.
    package static func isContinuous(_ raw: RawImage) -> Bool {
        guard raw.paletteIndices == nil else { return false }
        var values: Set<UInt16> = []
        var peak: UInt16 = 0
        for pixel in 0..<raw.width * raw.height {
            let value = raw.samples[pixel * raw.channels]
            peak = max(peak, value)
            if values.count <= labelLimit { values.insert(value) }
        }
        let (marked, _, grey) = count(raw, peak: peak)
        return values.count > labelLimit && Double(grey) > greyShare * Double(marked)
    }

    /// Marked pixels, those of the peak or near it, and those that are neither 0 nor that.
    private static func count(_ raw: RawImage, peak: UInt16) -> (marked: Int, bright: Int, grey: Int) {
        var (marked, bright) = (0, 0)
        for pixel in 0..<raw.width * raw.height {
            let value = raw.samples[pixel * raw.channels]
            guard value > 0 else { continue }
            marked += 1
            if Int(value) >= Int(peak) * 9 / 10 { bright += 1 }
        }
        return (marked, bright, marked - bright)
    }
}
