package import Imaging

/// What each pixel of an image looks like: how it stands out from its surroundings, and how that changes about it at four scales.
///
/// At each scale: the smoothed contrast, its gradient's length, and the two principal curvatures (eigenvalues of the Hessian, the larger
/// first), which tell lines from blobs and edges (Frangi et al. 1998). None of them changes when the image is flipped or turned by a
/// quarter. Beside these the window's mean and deviation.
package struct PixelFeatures {
    /// σ in pixels.
    package static let scales = [1.0, 2, 4, 8]
    package static let count = 3 + 4 * scales.count
    /// Values are cut off here: what is rarer says no more.
    static let limit: Float = 4

    private static let kernels = scales.map { sigma in (0...2).map { GaussianKernel(sigma: sigma, order: $0) } }

    package let contrast: LocalContrast
    package var width: Int { contrast.width }
    package var height: Int { contrast.height }

    package init(_ image: RGBImage, _ channel: ColourChannel) {
        contrast = LocalContrast(channel.plane(image), width: image.width, height: image.height)
    }

    /// Of all pixels of some rows.
    package func block(rows: Range<Int>) -> FeatureBlock {
        precondition(!rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= height, "rows \(rows) of \(height)")
        let count = rows.count * width
        var values = [Float](repeating: 0, count: Self.count * count)
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            for pixel in 0..<count {
                let place = rows.lowerBound * width + pixel
                base[pixel] = contrast.contrast[place]
                base[count + pixel] = (contrast.mean[place] - 128) / 64
                base[2 * count + pixel] = contrast.deviation[place] / 32
            }
            for (index, kernels) in Self.kernels.enumerated() {
                describe(rows, kernels, into: base + (3 + 4 * index) * count)
            }
            for index in values.indices { values[index] = min(max(values[index], -Self.limit), Self.limit) }
        }
        return FeatureBlock(count: count, values: values)
    }

    /// The four features of one scale, `[4, rows, width]`.
    private func describe(_ rows: Range<Int>, _ kernels: [GaussianKernel], into target: UnsafeMutablePointer<Float>) {
        let radius = kernels[0].radius
        let (lines, count) = (rows.count + 2 * radius, rows.count * width)
        // Along rows first, by each order, of the lines about these as well; beyond the image its last pixels go on.
        var along = [Float](repeating: 0, count: 3 * lines * width)
        // Smoothed; the derivatives by x and y; the second ones by x, y and both.
        var (smooth, x, y) = (
            [Float](repeating: 0, count: count), [Float](repeating: 0, count: count),
            [Float](repeating: 0, count: count)
        )
        var (xx, yy, xy) = (smooth, smooth, smooth)
        along.withUnsafeMutableBufferPointer { along in
            guard let along = along.baseAddress else { return }
            var padded = [Float](repeating: 0, count: width + 2 * radius)
            for line in 0..<lines {
                let row = min(max(rows.lowerBound + line - radius, 0), height - 1)
                for column in padded.indices {
                    padded[column] = contrast.contrast[row * width + min(max(column - radius, 0), width - 1)]
                }
                padded.withUnsafeBufferPointer { padded in
                    guard let padded = padded.baseAddress else { return }
                    for order in 0...2 {
                        let target = along + (order * lines + line) * width
                        for (tap, weight) in kernels[order].taps.enumerated() {
                            Self.add(padded + tap, times: weight, to: target, count: width)
                        }
                    }
                }
            }
            func down(_ acrossOrder: Int, _ order: Int, _ target: inout [Float]) {
                target.withUnsafeMutableBufferPointer { target in
                    guard let target = target.baseAddress else { return }
                    for row in 0..<rows.count {
                        for (tap, weight) in kernels[order].taps.enumerated() {
                            Self.add(
                                along + (acrossOrder * lines + row + tap) * width, times: weight,
                                to: target + row * width, count: width)
                        }
                    }
                }
            }
            down(0, 0, &smooth)
            down(1, 0, &x)
            down(0, 1, &y)
            down(2, 0, &xx)
            down(0, 2, &yy)
            down(1, 1, &xy)
        }
        for pixel in 0..<count {
            let (half, difference) = ((xx[pixel] + yy[pixel]) / 2, (xx[pixel] - yy[pixel]) / 2)
            let reach = (difference * difference + xy[pixel] * xy[pixel]).squareRoot()
            target[pixel] = smooth[pixel]
            target[count + pixel] = half + reach
            target[2 * count + pixel] = half - reach
            target[3 * count + pixel] = (x[pixel] * x[pixel] + y[pixel] * y[pixel]).squareRoot()
        }
    }

    @inline(__always)
    private static func add(
        _ source: UnsafePointer<Float>, times weight: Float, to target: UnsafeMutablePointer<Float>, count: Int
    ) {
        for index in 0..<count { target[index] += weight * source[index] }
    }
}
