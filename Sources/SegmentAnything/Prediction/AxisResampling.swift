/// Linear resampling along one axis as sparse rows of weights: output `i` is the sum of `weights[i*taps + k]` times
/// input `starts[i] + k`.
///
/// Two resamplings in a row are one, so logits go to the original size without a picture of the padded square between.
struct AxisResampling: Sendable {
    /// Weights per output.
    let taps: Int
    let starts: [Int]
    let weights: [Float]

    var count: Int { starts.count }

    /// From logits of `source` pixels a side, which cover a square of `side` pixels, to `target` pixels which show the
    /// square's first `resized` pixels. As `Sam.postprocess_masks`: to the square, crop, to the original size; both
    /// times bilinear without aligned corners.
    init(logits source: Int, square side: Int, cropped resized: Int, original target: Int) {
        let enlarge = (0..<side).map { AxisResampling.neighbours(of: $0, from: source, to: side) }
        var rows: [(start: Int, weights: [Float])] = []
        rows.reserveCapacity(target)
        for index in 0..<target {
            let (first, second, share) = AxisResampling.neighbours(of: index, from: resized, to: target)
            let (one, other) = (enlarge[first], enlarge[second])
            var row = [Float](repeating: 0, count: other.second - one.first + 1)
            row[0] += (1 - share) * (1 - one.share)
            row[one.second - one.first] += (1 - share) * one.share
            row[other.first - one.first] += share * (1 - other.share)
            row[other.second - one.first] += share * other.share
            rows.append((one.first, row))
        }
        let widest = min(rows.map(\.weights.count).max() ?? 1, source)
        taps = widest
        // Every row reads `taps` inputs; near the end it starts earlier, with zeros before its own weights.
        starts = rows.map { min($0.start, source - widest) }
        weights = rows.flatMap { row in
            let before = row.start - min(row.start, source - widest)
            return [Float](repeating: 0, count: before) + row.weights
                + [Float](repeating: 0, count: widest - before - row.weights.count)
        }
    }

    /// The two inputs between whose centres the centre of output `index` lies, and the second one's share
    /// (PyTorch's `area_pixel_compute_source_index` with `align_corners=False`).
    static func neighbours(of index: Int, from source: Int, to target: Int) -> (first: Int, second: Int, share: Float) {
        neighbours(at: Float(source) / Float(target) * (Float(index) + 0.5), from: source)
    }

    /// The same of a place in inputs from the first one's edge, at most `source`.
    static func neighbours(at edge: Float, from source: Int) -> (first: Int, second: Int, share: Float) {
        let place = max(edge - 0.5, 0)
        let first = min(Int(place), source - 1)
        return (first, min(first + 1, source - 1), min(max(place - Float(first), 0), 1))
    }
}
