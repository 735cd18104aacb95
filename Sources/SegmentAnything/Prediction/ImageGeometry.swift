/// How an image lies in the square that the encoder sees: its long side scaled to the square's, padded right or below.
package struct ImageGeometry: Sendable, Equatable {
    package let originalWidth: Int
    package let originalHeight: Int
    package let resizedWidth: Int
    package let resizedHeight: Int
    /// S, the square's side.
    package let side: Int

    /// As `ResizeLongestSide.get_preprocess_shape`, except that a ribbon's short side keeps at least one pixel.
    package init(width: Int, height: Int, side: Int) {
        precondition(width > 0 && height > 0 && side > 0, "an image of \(width)x\(height) in a square of \(side)")
        originalWidth = width
        originalHeight = height
        self.side = side
        let factor = Double(side) / Double(max(width, height))
        resizedWidth = min(max(Int(Double(width) * factor + 0.5), 1), side)
        resizedHeight = min(max(Int(Double(height) * factor + 0.5), 1), side)
    }

    /// A place on the original image as a place on the resized one, in pixels: `ResizeLongestSide.apply_coords`.
    ///
    /// Only scaled: integers are pixel centres before and after, and the half pixel that makes a centre of them is
    /// added by the prompt encoder, after scaling. That is what SAM was trained with.
    package func mapped(x: Float, y: Float) -> (x: Float, y: Float) {
        let factorX = Double(resizedWidth) / Double(originalWidth)
        let factorY = Double(resizedHeight) / Double(originalHeight)
        return (Float(Double(x) * factorX), Float(Double(y) * factorY))
    }
}
