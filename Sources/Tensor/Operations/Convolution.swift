/// 3 × 3 convolution, stride 1, one pixel of zero padding, no bias.
///
/// - Parameters:
///   - x: `[B, H, W, in]`.
///   - weight: `[out, 9 * in]`, order (ky, kx, c): PyTorch's `[out, in, 3, 3]` with its channels moved last.
/// - Returns: `[B, H, W, out]`.
package func convolution3x3(_ x: Value, weight: Value) -> Value {
    let (input, weights) = (x.tensor, weight.tensor)
    let patches = Patches(input.shape)
    precondition(
        weights.shape.count == 2 && weights.shape[1] == 9 * patches.channels,
        "3 x 3 convolution of \(input.shape) by \(weights.shape)")
    let output = convolve(input, weights, patches)
    let (inputNeeded, weightNeeded) = (x.requiresGradient, weight.requiresGradient)
    return .operation(output, inputs: [x, weight]) { gradient in
        [
            // The transpose of a correlation is the correlation with the kernel turned by half.
            inputNeeded
                ? convolve(gradient, turned(weights, channels: patches.channels), Patches(gradient.shape)) : nil,
            weightNeeded ? weightGradient(input, gradient, patches) : nil,
        ]
    }
}

/// `[out, 9 * in]` as the weight `[in, 9 * out]` of the transposed operation.
private func turned(_ weights: Tensor, channels: Int) -> Tensor {
    let out = weights.shape[0]
    return Tensor.make([channels, 9 * out]) { sink in
        for o in 0..<out {
            for tap in 0..<9 {
                let from = weights.base + (o * 9 + tap) * channels
                for c in 0..<channels { sink.base[(c * 9 + 8 - tap) * out + o] = from[c] }
            }
        }
    }
}

/// The 3 × 3 neighbourhoods of `[B, H, W, C]`, each pixel's as a row of `9 * C`.
private struct Patches: Sendable {
    let batch, height, width, channels: Int

    init(_ shape: [Int]) {
        precondition(shape.count == 4, "3 x 3 convolution of \(shape)")
        (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
    }

    /// Lines (rows of pixels, over the batch) whose patches fill about two megabytes: a second-level cache.
    var linesAtOnce: Int { max(1, (1 << 19) / max(1, width * 9 * channels)) }

    /// Writes the patches of `lines`, `[lines * W, 9 * C]`.
    func gather(_ x: Tensor, lines: Range<Int>, into out: UnsafeMutablePointer<Float>) {
        var out = out
        for line in lines {
            let y = line % height
            for column in 0..<width {
                for dy in -1...1 {
                    // The part of the three columns that lies inside; all three are neighbours in memory.
                    let first = max(0, column - 1)
                    let last = min(width - 1, column + 1)
                    let isInside = y + dy >= 0 && y + dy < height
                    let before = isInside ? first - (column - 1) : 3
                    let after = isInside ? column + 1 - last : 0
                    out.update(repeating: 0, count: before * channels)
                    if isInside {
                        let from = x.base + ((line + dy) * width + first) * channels
                        (out + before * channels).update(from: from, count: (last - first + 1) * channels)
                        (out + (3 - after) * channels).update(repeating: 0, count: after * channels)
                    }
                    out += 3 * channels
                }
            }
        }
    }
}

private func convolve(_ x: Tensor, _ weights: Tensor, _ patches: Patches) -> Tensor {
    let (columns, depth) = (weights.shape[0], weights.shape[1])
    let lines = patches.batch * patches.height
    let right = PackedMatrix(.init(weights.base, stride: depth, isTransposed: true), depth: depth, columns: columns)
    return Tensor.make([patches.batch, patches.height, patches.width, columns]) { sink in
        let step = min(patches.linesAtOnce, max(1, (lines + 15) / 16))
        Threads.forEach((lines + step - 1) / step) { index in
            let range = index * step..<min(lines, (index + 1) * step)
            withScratch(range.count * patches.width * depth) { scratch in
                patches.gather(x, lines: range, into: scratch)
                right.multiply(
                    .init(scratch, stride: depth), rows: range.count * patches.width,
                    into: sink + range.lowerBound * patches.width * columns, stride: columns)
            }
        }
    }
}

private func weightGradient(_ x: Tensor, _ gradient: Tensor, _ patches: Patches) -> Tensor {
    let (columns, depth) = (gradient.shape[3], 9 * patches.channels)
    let lines = patches.batch * patches.height
    return Tensor.makeFromZeros([columns, depth]) { sink in
        for first in stride(from: 0, to: lines, by: patches.linesAtOnce) {
            let range = first..<min(lines, first + patches.linesAtOnce)
            withScratch(range.count * patches.width * depth) { scratch in
                patches.gather(x, lines: range, into: scratch)
                MatrixProduct.parallel(
                    sink.base, stride: depth, rows: columns, columns: depth, depth: range.count * patches.width,
                    a: .init(gradient.base + first * patches.width * columns, stride: columns, isTransposed: true),
                    b: .init(scratch, stride: depth), accumulate: true)
            }
        }
    }
}
