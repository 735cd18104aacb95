/// How samples of any depth become the eight bits that the model sees, and people too.
///
/// One linear map for all colour channels of an image, so that colours keep their hue. The rule of `.automatic`:
///
/// - 8 bits: unchanged. 1, 2 and 4 bits: full scale to full scale.
/// - 16 bits: the 0.5th percentile becomes 0 and the 99.5th becomes 255, both by nearest rank over the colour samples
///   above the smallest value present. That value is air or padding in most scans, often half of the image, and would
///   otherwise decide the window; the tails are metal, vessels in time of flight, or a burnt-in marker.
///   When the percentiles coincide, smallest and largest value take their place; a constant image becomes 0.
package enum Window: Sendable, Equatable {
    case automatic
    /// `low` becomes 0, `high` becomes 255, what lies outside is clamped. An empty or undefined range gives 0.
    case range(low: Double, high: Double)

    /// The samples that become 0 and 255.
    package func limits(for image: RawImage) -> (low: Double, high: Double) {
        switch self {
        case .range(let low, let high): (low, high)
        case .automatic where image.bitDepth <= 8: (0, Double(image.maximumSample))
        case .automatic: Self.percentiles(image)
        }
    }

    private static let lowerPerMille = 5
    private static let upperPerMille = 995

    private static func percentiles(_ image: RawImage) -> (low: Double, high: Double) {
        let histogram = histogram(image)
        guard let smallest = histogram.firstIndex(where: { $0 > 0 }),
            let largest = histogram.lastIndex(where: { $0 > 0 })
        else { return (0, 0) }
        let total = image.width * image.height * image.colourChannels - histogram[smallest]
        let above = histogram[(smallest + 1)...]
        let low = value(atRank: rank(lowerPerMille, of: total), in: above) ?? smallest
        let high = value(atRank: rank(upperPerMille, of: total), in: above) ?? largest
        return low < high ? (Double(low), Double(high)) : (Double(smallest), Double(largest))
    }

    private static func histogram(_ image: RawImage) -> [Int] {
        var histogram = [Int](repeating: 0, count: image.maximumSample + 1)
        let (stride, colours) = (image.channels, image.colourChannels)
        for start in Swift.stride(from: 0, to: image.samples.count, by: stride) {
            for channel in 0..<colours { histogram[Int(image.samples[start + channel])] += 1 }
        }
        return histogram
    }

    /// Nearest rank, from 1.
    private static func rank(_ perMille: Int, of total: Int) -> Int { max(1, (total * perMille + 999) / 1000) }

    private static func value(atRank rank: Int, in histogram: ArraySlice<Int>) -> Int? {
        var seen = 0
        return histogram.indices.first {
            seen += histogram[$0]
            return seen >= rank
        }
    }

    /// What every possible sample of `image` becomes, by table: rounded half up.
    func table(for image: RawImage) -> [UInt8] {
        let (low, high) = limits(for: image)
        guard low < high else { return [UInt8](repeating: 0, count: image.maximumSample + 1) }
        return (0...image.maximumSample).map { sample in
            let scaled = (Double(sample) - low) * 255 / (high - low)
            // The comparisons come first: no other value may be converted to an integer.
            return scaled > 0 ? (scaled < 255 ? UInt8(scaled + 0.5) : 255) : 0
        }
    }
}

extension Window: CustomStringConvertible {
    /// Names the rule in receipts and cache keys.
    package var description: String {
        switch self {
        case .automatic: "automatic(0.5%, 99.5%)"
        case .range(let low, let high): "range(\(low), \(high))"
        }
    }
}
