import Glibc
package import Imaging
package import SegmentAnything

/// Looks at the pixels of a support set's images.
package struct PixelProfiler {
    private let reduction: Double
    private let channel: ColourChannel
    private let total: FeatureMoments
    /// What is kept of the images that figures are measured on.
    private let measured: [(sample: PixelSample, block: FeatureBlock, moments: FeatureMoments)]
    private let imageCount: Int

    /// Of a support image as it is looked at, in pixels. More tiles than that takes would be too many, unless an image is a ribbon.
    private static let longestSide = 1_536

    /// Nil where the model's cells can draw the objects, and its embedding says more than pixels do.
    ///
    /// - Parameters:
    ///   - images: At least one.
    ///   - limit: Images that figures are measured on at most; all of them teach.
    ///   - pause: Called before each image; throws to stop.
    package init?(
        _ images: [(image: RGBImage, mask: Mask)], limit: Int, model: Configuration, pause: () throws -> Void
    ) throws {
        guard let side = TileRule.side(for: images.map(\.mask), model: model) else { return nil }
        // As a tile would be shown to the encoder, but never enlarged.
        let longest = images.map { max($0.image.width, $0.image.height) }.max() ?? 1
        let reduction = max(1, Double(side) / Double(model.imageSize), Double(longest) / Double(Self.longestSide))
        let channel = try Self.channel(images.prefix(limit), reduction, pause)
        var total: FeatureMoments?
        var measured: [(sample: PixelSample, block: FeatureBlock, moments: FeatureMoments)] = []
        for (index, example) in images.enumerated() {
            try pause()
            let sample = PixelSample(PixelPrototypes.reduced(example.mask, reduction), seed: UInt64(index))
            let block = sample.block(PixelFeatures(PixelPrototypes.reduced(example.image, reduction), channel))
            let moments = FeatureMoments(block, sample)
            if index < limit { measured.append((sample, block, moments)) }
            total = total.map { $0 + moments } ?? moments
        }
        guard let total else { return nil }
        (self.reduction, self.channel, imageCount) = (reduction, channel, images.count)
        (self.total, self.measured) = (total, measured)
    }

    /// The colour in which object and surroundings differ most, on the mean over the images.
    private static func channel(
        _ images: ArraySlice<(image: RGBImage, mask: Mask)>, _ reduction: Double, _ pause: () throws -> Void
    ) throws -> ColourChannel {
        if images.allSatisfy(\.image.isGrey) { return .mean }
        var sums = [Double](repeating: 0, count: ColourChannel.allCases.count)
        for (index, example) in images.enumerated() {
            try pause()
            let sample = PixelSample(PixelPrototypes.reduced(example.mask, reduction), seed: UInt64(index))
            let image = PixelPrototypes.reduced(example.image, reduction)
            for channel in ColourChannel.allCases {
                let local = LocalContrast(channel.plane(image), width: image.width, height: image.height)
                sums[channel.rawValue] += sample.criterion(local.contrast)
            }
        }
        return ColourChannel.allCases.max { sums[$0.rawValue] < sums[$1.rawValue] } ?? .mean
    }

    /// Of all images, and of all but each of the measured ones: nil where nothing tells the object from the rest.
    package func prototypes() -> (whole: PixelPrototypes?, without: [PixelPrototypes?]) {
        let whole = Prototypes(total, shrinkage: .towardsOwnVariances)
        // Without the image itself, or the map would be drawn from the answer.
        let without = measured.map { own in
            imageCount > 1 ? Prototypes(total - own.moments, shrinkage: .towardsOwnVariances) : whole
        }
        let maps = zip(measured, without).compactMap { own, prototypes in
            prototypes.map {
                ThresholdSearch.Map(
                    values: own.block.similarity($0), truth: own.sample.truth, weight: own.sample.weight)
            }
        }
        let shift = ThresholdSearch.best(maps)
        let scale = Self.likeliestScale(maps, shift)
        // One image has nothing to differ from: by a factor of e in the odds, either way.
        let shifts =
            maps.count > 1 ? maps.map { (ThresholdSearch.best([$0], near: shift) - shift) * scale } : [-1, 1]
        func made(_ prototypes: Prototypes?) -> PixelPrototypes? {
            prototypes.map {
                PixelPrototypes(
                    channel: channel, reduction: reduction, prototypes: $0.lowered(by: shift).scaled(by: scale),
                    shifts: shifts)
            }
        }
        return (made(whole), without.map(made))
    }

    /// By what to multiply log-odds that come of normal distributions, which pixels have not, to be the likeliest of those that are
    /// seen: 1 at most.
    private static func likeliestScale(_ maps: [ThresholdSearch.Map], _ shift: Float) -> Float {
        func loss(_ exponent: Float) -> Double {
            let scale = expf(exponent)
            return maps.reduce(0) { sum, map in
                sum
                    + zip(map.values, zip(map.truth, map.weight)).reduce(0.0) { sum, pixel in
                        let logit = scale * (pixel.0 - shift)
                        let entropy = max(logit, 0) - logit * pixel.1.0 + log1pf(expf(-abs(logit)))
                        return sum + Double(pixel.1.1 * entropy)
                    }
            }
        }
        // The loss has one minimum; by golden section (Kiefer 1953).
        var (low, high) = (logf(0.01), Float(0))
        for _ in 0..<20 {
            let step = 0.618034 * (high - low)
            if loss(high - step) <= loss(low + step) { high = low + step } else { low = high - step }
        }
        return expf((low + high) / 2)
    }
}

extension FeatureMoments {
    /// Of the terms of sampled pixels.
    fileprivate init(_ block: FeatureBlock, _ sample: PixelSample) {
        let chunk = 1_024
        let parts = stride(from: 0, to: block.count, by: chunk).map { start in
            let pixels = start..<min(start + chunk, block.count)
            return block.terms(pixels).withUnsafeBufferPointer { terms in
                FeatureMoments(
                    terms, channels: FeatureBlock.termCount, truth: Array(sample.truth[pixels]),
                    weight: Array(sample.weight[pixels]))
            }
        }
        self = parts.dropFirst().reduce(parts[0], +)
    }
}
