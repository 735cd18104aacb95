import Glibc
package import Imaging
package import Tensor

/// One mask that the decoder offers for a prompt.
package struct MaskPrediction: Sendable {
    /// `[4g, 4g]` over the padded square; may be given back as the mask of a prompt on the same embedding. Of answers put together from
    /// tiles it is finer, and no mask prompt.
    package let lowResolutionLogits: Tensor
    /// What the model thinks its overlap with the true mask is. Not clamped: it may leave 0...1 a little.
    package let predictedIoU: Float
    /// 0 for the single mask, 1 and on for the multimask ones.
    package let index: Int
    package let geometry: ImageGeometry

    package init(lowResolutionLogits: Tensor, predictedIoU: Float, index: Int, geometry: ImageGeometry) {
        self.lowResolutionLogits = lowResolutionLogits
        self.predictedIoU = predictedIoU
        self.index = index
        self.geometry = geometry
    }

    /// What a logit is where the square does not show the image: as sure of the background as a logit gets.
    package static let outside: Float = -32

    /// Logits at the original size, row-major.
    package func logits() -> [Float] {
        upscaled(outside: MaskPrediction.outside) { line, out in
            for x in line.indices { out[x] = line[x] }
        }
    }

    /// Logits of the window alone at the original size, `[window.height, window.width]` row-major.
    package func windowLogits() -> [Float] {
        upscaled(outside: MaskPrediction.outside, onto: geometry.window) { line, out in
            for x in line.indices { out[x] = line[x] }
        }
    }

    /// Where the logit is positive: upscaled first, only then compared.
    package func mask() -> Mask {
        let pixels: [UInt8] = upscaled(outside: 0) { line, out in
            for x in line.indices { out[x] = line[x] > 0 ? 1 : 0 }
        }
        return Mask(width: geometry.originalWidth, height: geometry.originalHeight, pixels: pixels)
    }

    /// The probability of each pixel of the original image, row-major.
    package func probability() -> [Float] {
        upscaled(outside: 0) { line, out in
            for x in line.indices { out[x] = 1 / (1 + expf(-line[x])) }
        }
    }

    /// Upscales and maps the logits to the original image, `outside` where its window does not reach; `transform` is given
    /// a line of the window and writes a value for each, by the line so that its loop is a vector loop.
    ///
    /// - Parameter canvas: The part of the original image that is wanted, with all of the window in it; nil: all of it.
    private func upscaled<Element: Sendable>(
        outside: Element, onto canvas: PixelBox? = nil,
        _ transform: @Sendable (UnsafeBufferPointer<Float>, UnsafeMutablePointer<Element>) -> Void
    ) -> [Element] {
        let side = lowResolutionLogits.shape[0]
        let window = geometry.window
        let (width, height) = (canvas?.width ?? geometry.originalWidth, canvas?.height ?? geometry.originalHeight)
        let (left, top) = (window.x0 - (canvas?.x0 ?? 0), window.y0 - (canvas?.y0 ?? 0))
        let columns = AxisResampling(
            logits: side, square: geometry.side, cropped: geometry.resizedWidth, original: window.width)
        let rows = AxisResampling(
            logits: side, square: geometry.side, cropped: geometry.resizedHeight, original: window.height)
        // What shows no image is not looked at.
        let widened = widen(columns, lines: rows.taps + (rows.starts.max() ?? 0), width: window.width)
        return [Element](unsafeUninitializedCapacity: width * height) { target, count in
            guard let base = target.baseAddress else { return }
            if window.width < width || window.height < height { target.initialize(repeating: outside) }
            // Disjoint rows are written by each slice.
            nonisolated(unsafe) let target = base
            Threads.forEachSlice(of: window.height, minimum: 64) { slice in
                widened.withUnsafeBufferPointer { source in
                    var line = [Float](repeating: 0, count: window.width)
                    for y in slice {
                        rows.mix(source, output: y, width: window.width, into: &line)
                        line.withUnsafeBufferPointer { transform($0, target + (top + y) * width + left) }
                    }
                }
            }
            count = width * height
        }
    }

    /// The first lines of the logits with their rows resampled: `[lines, width]`.
    private func widen(_ columns: AxisResampling, lines: Int, width: Int) -> [Float] {
        let side = lowResolutionLogits.shape[1]
        return lowResolutionLogits.withUnsafeElements { source in
            [Float](unsafeUninitializedCapacity: lines * width) { target, count in
                for y in 0..<lines {
                    for x in 0..<width {
                        var sum: Float = 0
                        let start = y * side + columns.starts[x]
                        for tap in 0..<columns.taps {
                            sum += columns.weights[x * columns.taps + tap] * source[start + tap]
                        }
                        target.initializeElement(at: y * width + x, to: sum)
                    }
                }
                count = lines * width
            }
        }
    }
}

extension AxisResampling {
    /// Row `output` of the result along the first axis of `source`, `[inputs, width]`.
    fileprivate func mix(
        _ source: UnsafeBufferPointer<Float>, output: Int, width: Int, into line: inout [Float]
    ) {
        line.withUnsafeMutableBufferPointer { line in
            for tap in 0..<taps {
                let weight = weights[output * taps + tap]
                let start = (starts[output] + tap) * width
                if tap == 0 {
                    for x in 0..<width { line[x] = weight * source[start + x] }
                } else {
                    for x in 0..<width { line[x] += weight * source[start + x] }
                }
            }
        }
    }
}
