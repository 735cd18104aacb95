import CImaging
import Glibc

/// Changes of size.
package enum Resize {
    /// Pillow's `Image.resize((width, height), Image.BILINEAR)`, bit for bit: a triangle filter that widens with the
    /// scale, so that shrinking averages instead of skipping. It is what Segment Anything was trained behind.
    package static func bilinear(_ image: RGBImage, width: Int, height: Int) -> RGBImage {
        precondition(width > 0 && height > 0, "an image has pixels")
        // Pillow's choice of the first pass, as of version 13 (before, always the rows). It matters in the last bit,
        // because the result of the first is rounded.
        let columnsFirst = height < image.height && image.height - height > 2 * (image.width - width)
        if columnsFirst { return resampledRows(resampledColumns(image, height: height), width: width) }
        return resampledColumns(resampledRows(image, width: width), height: height)
    }

    /// Horizontal pass; rows stay.
    private static func resampledRows(_ image: RGBImage, width: Int) -> RGBImage {
        // Pillow leaves a pass out when nothing changes; the filter at scale 1 would give the same.
        guard width != image.width else { return image }
        let filter = TriangleFilter(from: image.width, to: width)
        let pixels = [UInt8](unsafeUninitializedCapacity: width * image.height * 3) { buffer, count in
            filter.withTaps { taps in
                image.pixels.withUnsafeBufferPointer {
                    cimaging_resample_rgb_rows(
                        $0.baseAddress, image.height, image.width, buffer.baseAddress, taps.baseAddress, width)
                }
            }
            count = width * image.height * 3
        }
        return RGBImage(width: width, height: image.height, pixels: pixels)
    }

    /// Vertical pass.
    private static func resampledColumns(_ image: RGBImage, height: Int) -> RGBImage {
        guard height != image.height else { return image }
        let filter = TriangleFilter(from: image.height, to: height)
        let rowBytes = image.width * 3
        let pixels = [UInt8](unsafeUninitializedCapacity: rowBytes * height) { buffer, count in
            filter.withTaps { taps in
                image.pixels.withUnsafeBufferPointer {
                    cimaging_resample_columns($0.baseAddress, rowBytes, buffer.baseAddress, taps.baseAddress, height)
                }
            }
            count = rowBytes * height
        }
        return RGBImage(width: image.width, height: height, pixels: pixels)
    }

    /// Pillow's NEAREST: the pixel under the centre of each new one.
    package static func nearest(_ mask: Mask, width: Int, height: Int) -> Mask {
        precondition(width > 0 && height > 0, "an image has pixels")
        // floor((i + 1/2) · old / new), in integers.
        let columns = (0..<width).map { (2 * $0 + 1) * mask.width / (2 * width) }
        let pixels = (0..<height).flatMap { y in
            let start = (2 * y + 1) * mask.height / (2 * height) * mask.width
            return columns.map { mask.pixels[start + $0] }
        }
        return Mask(width: width, height: height, pixels: pixels)
    }

    /// The fraction of each new pixel that `mask` covers: how much of an object each cell of a coarser grid holds.
    ///
    /// - Returns: `[height, width]` in 0…1; exact areas, so that their mean is that of the mask.
    package static func coverage(_ mask: Mask, width: Int, height: Int) -> [Float] {
        precondition(width > 0 && height > 0, "an image has pixels")
        let horizontal = BoxFilter(from: mask.width, to: width)
        let vertical = BoxFilter(from: mask.height, to: height)
        var coverage: [Float] = []
        coverage.reserveCapacity(width * height)
        for rows in vertical.spans {
            // The weighted sum of the rows under this one, before it is summed along x.
            var column = [Float](repeating: 0, count: mask.width)
            for (offset, weight) in rows.weights.enumerated() {
                let start = (rows.first + offset) * mask.width
                for x in 0..<mask.width { column[x] += weight * Float(mask.pixels[start + x]) }
            }
            for span in horizontal.spans {
                var sum: Float = 0
                for (offset, weight) in span.weights.enumerated() { sum += weight * column[span.first + offset] }
                coverage.append(min(sum, 1))
            }
        }
        return coverage
    }
}

/// Weights of Pillow's bilinear filter along one axis (`precompute_coeffs` and `normalize_coeffs_8bpc`).
private struct TriangleFilter {
    private var weights: [Int32] = []
    private var spans: [(first: Int, start: Int, count: Int)] = []

    init(from oldCount: Int, to count: Int) {
        let scale = Double(oldCount) / Double(count)
        let support = max(scale, 1)
        let inverse = 1 / support
        for index in 0..<count {
            let centre = (Double(index) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5))
            let end = min(oldCount, Int(centre + support + 0.5))
            let raw = (first..<end).map { max(0, 1 - abs((Double($0) - centre + 0.5) * inverse)) }
            let sum = raw.reduce(0, +)
            spans.append((first, weights.count, raw.count))
            // Rounded half up; none is negative.
            weights += raw.map { Int32(0.5 + $0 / sum * Double(1 << 22)) }
        }
    }

    func withTaps(_ body: (UnsafeBufferPointer<cimaging_taps>) -> Void) {
        weights.withUnsafeBufferPointer { weights in
            let taps = spans.map { span in
                cimaging_taps(
                    first: Int32(span.first), count: Int32(span.count),
                    weights: weights.baseAddress.map { $0 + span.start })
            }
            taps.withUnsafeBufferPointer(body)
        }
    }
}

/// Overlap of each new pixel with the old ones along one axis, as fractions of the new one.
private struct BoxFilter {
    private(set) var spans: [(first: Int, weights: [Float])] = []

    init(from oldCount: Int, to count: Int) {
        // In units of 1 / (oldCount · count) every edge is an integer: old pixels are `count` long, new ones `oldCount`.
        for index in 0..<count {
            let (start, end) = (index * oldCount, (index + 1) * oldCount)
            let first = start / count
            let last = (end - 1) / count
            let weights = (first...last).map { old in
                Float(min(end, (old + 1) * count) - max(start, old * count)) / Float(oldCount)
            }
            spans.append((first, weights))
        }
    }
}
