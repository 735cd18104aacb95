import Glibc
package import Imaging
package import SegmentAnything

/// Looks at the pixels of a support set's images.
package struct PixelProfiler {
    private let reduction: Double
    private let channel: ColourChannel
    private let samples: [(sample: PixelSample, block: FeatureBlock)]
    private let moments: [FeatureMoments]

    /// Nil where the model's cells can draw the objects, and its embedding says more than pixels do.
    ///
    /// - Parameter pause: Called before each image; throws to stop.
    package init?(_ images: [(image: RGBImage, mask: Mask)], model: Configuration, pause: () throws -> Void) throws {
        guard let side = TileRule.side(for: images.map(\.mask), model: model) else { return nil }
        // As a tile would be shown to the encoder, but never enlarged.
        let reduction = max(1, Double(side) / Double(model.imageSize))
        let seen = images.map {
            (PixelPrototypes.reduced($0.image, reduction), PixelPrototypes.reduced($0.mask, reduction))
        }
        let drawn = seen.enumerated().map { PixelSample($1.1, seed: UInt64($0)) }
        let channel = try Self.channel(seen.map(\.0), drawn, pause)
        samples = try zip(seen, drawn).map { seen, sample in
            try pause()
            return (sample, sample.block(PixelFeatures(seen.0, channel)))
        }
        moments = try samples.map { sample, block in
            try pause()
            return FeatureMoments(block, sample)
        }
        (self.reduction, self.channel) = (reduction, channel)
    }

    /// The colour in which object and surroundings differ most, on the mean over the images.
    private static func channel(
        _ images: [RGBImage], _ samples: [PixelSample], _ pause: () throws -> Void
    ) throws -> ColourChannel {
        if images.allSatisfy(\.isGrey) { return .mean }
        var best: (channel: ColourChannel, criterion: Double) = (.mean, -1)
        for channel in ColourChannel.allCases {
            var sum = 0.0
            for (image, sample) in zip(images, samples) {
                try pause()
                let plane = channel.plane(image)
                sum += sample.criterion(LocalContrast(plane, width: image.width, height: image.height).contrast)
            }
            if sum > best.criterion { best = (channel, sum) }
        }
        return best.channel
    }

    /// Of all images, and of all but each of the first `measured`: nil where nothing tells the object from the rest.
    package func prototypes(measured: Int) -> (whole: PixelPrototypes?, without: [PixelPrototypes?]) {
        guard let first = moments.first else { return (nil, []) }
        let total = moments.dropFirst().reduce(first, +)
        let whole = Prototypes(total, shrinkage: .towardsOwnVariances)
        // Without the image itself, or the map would be drawn from the answer.
        let without = moments.prefix(measured).map { own in
            moments.count > 1 ? Prototypes(total - own, shrinkage: .towardsOwnVariances) : whole
        }
        let maps = zip(samples, without).compactMap { sample, prototypes in
            prototypes.map {
                ThresholdSearch.Map(
                    values: sample.block.similarity($0), truth: sample.sample.truth, weight: sample.sample.weight)
            }
        }
        let shift = ThresholdSearch.best(maps)
        let scale = Self.likeliestScale(maps, shift)
        let shifts = maps.map { (ThresholdSearch.best([$0], near: shift) - shift) * scale }
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
