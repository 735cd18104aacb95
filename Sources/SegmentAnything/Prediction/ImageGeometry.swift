package import Imaging

/// How an image, or a part of one, lies in the square that the encoder sees: its long side scaled to the square's, padded
/// right or below.
package struct ImageGeometry: Sendable, Equatable {
    package let originalWidth: Int
    package let originalHeight: Int
    /// What the square shows, in pixels of the original image.
    package let window: PixelBox
    package let resizedWidth: Int
    package let resizedHeight: Int
    /// S, the square's side.
    package let side: Int

    /// As `ResizeLongestSide.get_preprocess_shape`, except that a ribbon's short side keeps at least one pixel.
    ///
    /// - Parameters:
    ///   - width: Of the original image, in pixels.
    ///   - height: Of the original image, in pixels.
    ///   - window: The part of it that is shown, inside it; all of it by default.
    package init(width: Int, height: Int, window: PixelBox? = nil, side: Int) {
        precondition(width > 0 && height > 0 && side > 0, "an image of \(width)x\(height) in a square of \(side)")
        let window = window ?? PixelBox(x0: 0, y0: 0, x1: width - 1, y1: height - 1)
        precondition(
            window.x0 >= 0 && window.y0 >= 0 && window.x1 < width && window.y1 < height && window.width > 0
                && window.height > 0, "a window outside its image")
        originalWidth = width
        originalHeight = height
        self.window = window
        self.side = side
        let factor = Double(side) / Double(max(window.width, window.height))
        resizedWidth = min(max(Int(Double(window.width) * factor + 0.5), 1), side)
        resizedHeight = min(max(Int(Double(window.height) * factor + 0.5), 1), side)
    }

    /// Whether the square shows all of the image.
    package var isWhole: Bool { window.width == originalWidth && window.height == originalHeight }

    /// A place on the original image as a place on the resized one, in pixels: `ResizeLongestSide.apply_coords`.
    ///
    /// Only scaled: integers are pixel centres before and after, and the half pixel that makes a centre of them is
    /// added by the prompt encoder, after scaling. That is what SAM was trained with.
    package func mapped(x: Float, y: Float) -> (x: Float, y: Float) {
        let factorX = Double(resizedWidth) / Double(window.width)
        let factorY = Double(resizedHeight) / Double(window.height)
        return (Float((Double(x) - Double(window.x0)) * factorX), Float((Double(y) - Double(window.y0)) * factorY))
    }
}
