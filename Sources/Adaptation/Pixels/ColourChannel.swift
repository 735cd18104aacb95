package import Imaging

/// Which colour of an image is looked at pixel by pixel.
package enum ColourChannel: Int, Sendable, CaseIterable {
    case mean, red, green, blue

    /// `[height, width]`, 0 to 255.
    package func plane(_ image: RGBImage) -> [Float] {
        image.pixels.withUnsafeBufferPointer { pixels in
            [Float](unsafeUninitializedCapacity: image.width * image.height) { plane, count in
                for pixel in 0..<image.width * image.height {
                    let value =
                        switch self {
                        case .mean: Int(pixels[3 * pixel]) + Int(pixels[3 * pixel + 1]) + Int(pixels[3 * pixel + 2])
                        case .red: 3 * Int(pixels[3 * pixel])
                        case .green: 3 * Int(pixels[3 * pixel + 1])
                        case .blue: 3 * Int(pixels[3 * pixel + 2])
                        }
                    plane.initializeElement(at: pixel, to: Float(value) / 3)
                }
                count = image.width * image.height
            }
        }
    }
}

extension RGBImage {
    /// Whether all three channels are one.
    package var isGrey: Bool {
        stride(from: 0, to: pixels.count, by: 3).allSatisfy { pixel in
            let red = pixels[pixel]
            return red == pixels[pixel + 1] && red == pixels[pixel + 2]
        }
    }
}
