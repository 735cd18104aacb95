package import Imaging
package import Tensor

/// An image as the encoder takes it.
package struct PreprocessedImage: Sendable {
    /// `[1, S, S, 3]`, normalised; zero where there is no image.
    package let pixels: Tensor
    package let geometry: ImageGeometry

    package init(pixels: Tensor, geometry: ImageGeometry) {
        self.pixels = pixels
        self.geometry = geometry
    }
}

/// Resizes on bytes as Pillow does, normalises by ImageNet's statistics, then pads with zeros right and below.
package struct Preprocessor: Sendable {
    /// Changes whenever the same image would give other pixels: for receipts and cache keys.
    package static let version = "long-side-bilinear-imagenet-1"

    // ImageNet's channel statistics for bytes, as in segment_anything/build_sam.py.
    package static let mean: [Float] = [123.675, 116.28, 103.53]
    package static let standardDeviation: [Float] = [58.395, 57.12, 57.375]

    /// What each byte becomes, by channel: `[3 * 256]`.
    private static let normalised: [Float] = (0..<3).flatMap { channel in
        (0..<256).map { (Float($0) - mean[channel]) / standardDeviation[channel] }
    }

    /// S, the square's side.
    package let side: Int

    package init(side: Int) { self.side = side }

    /// - Parameter window: The part of the image to take, as if it were all; nil: all of it.
    package func callAsFunction(_ image: RGBImage, window: PixelBox? = nil) -> PreprocessedImage {
        let geometry = ImageGeometry(width: image.width, height: image.height, window: window, side: side)
        let shown = geometry.isWhole ? image : image.cropped(to: geometry.window)
        let resized = Resize.bilinear(shown, width: geometry.resizedWidth, height: geometry.resizedHeight)
        let pixels = Tensor(shape: [1, side, side, 3]) { elements in
            elements.update(repeating: 0)
            let rowLength = 3 * resized.width
            Preprocessor.normalised.withUnsafeBufferPointer { table in
                resized.pixels.withUnsafeBufferPointer { bytes in
                    for y in 0..<resized.height {
                        for index in 0..<rowLength {
                            let byte = Int(bytes[y * rowLength + index])
                            elements[3 * side * y + index] = table[index % 3 * 256 + byte]
                        }
                    }
                }
            }
        }
        return PreprocessedImage(pixels: pixels, geometry: geometry)
    }
}
