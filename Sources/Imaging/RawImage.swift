/// The samples of an image as they lie in its file: no gamma, no scaling to other depths, so that intensities of a
/// 16-bit scan stay what the scanner wrote.
///
/// Palettes are expanded to their colours and interlacing is undone. Orientation tags are not applied: pixel (0, 0) is
/// the first sample of the file, which is what every coordinate in a request refers to.
package struct RawImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    package let channels: Int
    /// 1, 2, 4, 8 or 16: samples lie in 0...(1 << bitDepth) - 1.
    package let bitDepth: Int
    /// `[height, width, channels]`, row-major.
    package let samples: [UInt16]
    /// The indices that an image with a palette of colours stores, `[height, width]`; nil for images without palette, and for those
    /// whose whole palette is grey: they are grey images that an optimising tool has repacked in any order.
    package let paletteIndices: [UInt8]?

    package init(
        width: Int, height: Int, channels: Int, bitDepth: Int, samples: [UInt16], paletteIndices: [UInt8]? = nil
    ) {
        precondition(width > 0 && height > 0 && (1...4).contains(channels), "an image has pixels and 1 to 4 channels")
        precondition([1, 2, 4, 8, 16].contains(bitDepth), "bit depth is 1, 2, 4, 8 or 16")
        precondition(samples.count == width * height * channels, "samples is not [height, width, channels]")
        precondition(paletteIndices.map { $0.count == width * height } ?? true, "paletteIndices is not [height, width]")
        self.width = width
        self.height = height
        self.channels = channels
        self.bitDepth = bitDepth
        self.samples = samples
        self.paletteIndices = paletteIndices
    }

    /// Channels that carry colour: alpha, which is how a viewer shows an image and not what was measured, is left out.
    package var colourChannels: Int { channels < 3 ? 1 : 3 }

    /// The largest value that a sample can take.
    package var maximumSample: Int { (1 << bitDepth) - 1 }
}
