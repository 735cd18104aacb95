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

    package func callAsFunction(_ image: RGBImage) -> PreprocessedImage {
        let geometry = ImageGeometry(width: image.width, height: image.height, side: side)
        let resized = Resize.bilinear(image, width: geometry.resizedWidth, height: geometry.resizedHeight)
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
