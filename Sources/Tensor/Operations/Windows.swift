/// Cuts maps into square windows of tokens, after zero padding at the bottom and right to a multiple of `window`.
///
/// - Parameter x: `[B, H, W, C]`.
/// - Returns: `[B * rows * columns, window * window, C]`, windows row by row.
package func windowPartition(_ x: Value, window: Int) -> Value {
    let grid = WindowGrid(x.shape, window: window)
    return .operation(grid.partition(x.tensor), inputs: [x]) { [grid.unpartition($0)] }
}

/// The inverse of `windowPartition`; what was padding is dropped.
///
/// - Parameter x: `[B * rows * columns, window * window, C]`.
/// - Returns: `[B, height, width, C]`.
package func windowUnpartition(_ x: Value, window: Int, height: Int, width: Int) -> Value {
    precondition(x.shape.count == 3 && x.shape[1] == window * window, "\(x.shape) are not windows of \(window)")
    let perImage = ((height + window - 1) / window) * ((width + window - 1) / window)
    precondition(perImage > 0 && x.shape[0].isMultiple(of: perImage), "\(x.shape[0]) windows, \(perImage) an image")
    let grid = WindowGrid([x.shape[0] / perImage, height, width, x.shape[2]], window: window)
    return .operation(grid.unpartition(x.tensor), inputs: [x]) { [grid.partition($0)] }
}

/// The two copies; each is the other's derivative.
private struct WindowGrid: Sendable {
    let batch, height, width, channels, window, rows, columns: Int

    init(_ shape: [Int], window: Int) {
        precondition(shape.count == 4 && window > 0, "windows of \(window) in \(shape)")
        (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        self.window = window
        rows = (height + window - 1) / window
        columns = (width + window - 1) / window
    }

    /// `[B, H, W, C]` to windows.
    func partition(_ x: Tensor) -> Tensor {
        Tensor.make([batch * rows * columns, window * window, channels]) { sink in
            visit { windowRow, mapRow, tokens in
                let out = sink + windowRow * channels
                (out + tokens * channels).update(repeating: 0, count: (window - tokens) * channels)
                if tokens > 0 { out.update(from: x.base + mapRow * channels, count: tokens * channels) }
            }
        }
    }

    /// Windows to `[B, H, W, C]`.
    func unpartition(_ x: Tensor) -> Tensor {
        Tensor.make([batch, height, width, channels]) { sink in
            visit { windowRow, mapRow, tokens in
                guard tokens > 0 else { return }
                (sink + mapRow * channels).update(from: x.base + windowRow * channels, count: tokens * channels)
            }
        }
    }

    /// Calls `body` for each row of each window: its first token in the windows, its first in the map, and how many of
    /// its tokens the map has.
    private func visit(_ body: @Sendable (Int, Int, Int) -> Void) {
        Threads.forEachSlice(of: batch * rows * columns, minimum: Grain.rows(of: window * window * channels)) { range in
            for index in range {
                let column = index % columns
                let row = index / columns % rows
                let image = index / (columns * rows)
                let tokens = min(window, width - column * window)
                for line in 0..<window {
                    let y = row * window + line
                    let map = (image * height + y) * width + column * window
                    body((index * window + line) * window, map, y < height ? tokens : 0)
                }
            }
        }
    }
}

/// Gathers square blocks of pixels into channels.
///
/// - Parameter x: `[B, H, W, C]`, H and W multiples of `block`.
/// - Returns: `[B, H / block, W / block, block * block * C]`, channels in the order (dy, dx, c).
package func spaceToDepth(_ x: Value, block: Int) -> Value {
    precondition(
        x.shape.count == 4 && block > 0 && x.shape[1].isMultiple(of: block) && x.shape[2].isMultiple(of: block),
        "blocks of \(block) in \(x.shape)")
    let grid = BlockGrid(
        batch: x.shape[0], height: x.shape[1] / block, width: x.shape[2] / block, channels: x.shape[3], block: block)
    return .operation(grid.gather(x.tensor), inputs: [x]) { [grid.scatter($0)] }
}

/// The inverse of `spaceToDepth`: `[B, H, W, block * block * C]` to `[B, H * block, W * block, C]`.
package func depthToSpace(_ x: Value, block: Int) -> Value {
    precondition(
        x.shape.count == 4 && block > 0 && x.shape[3].isMultiple(of: block * block),
        "blocks of \(block) from \(x.shape)")
    let grid = BlockGrid(
        batch: x.shape[0], height: x.shape[1], width: x.shape[2], channels: x.shape[3] / (block * block), block: block)
    return .operation(grid.scatter(x.tensor), inputs: [x]) { [grid.gather($0)] }
}

private struct BlockGrid: Sendable {
    let batch, height, width, channels, block: Int  // height and width in blocks

    func gather(_ x: Tensor) -> Tensor {
        Tensor.make([batch, height, width, block * block * channels]) { sink in
            visit { pixels, depth in
                (sink + depth).update(from: x.base + pixels, count: block * channels)
            }
        }
    }

    func scatter(_ x: Tensor) -> Tensor {
        Tensor.make([batch, height * block, width * block, channels]) { sink in
            visit { pixels, depth in
                (sink + pixels).update(from: x.base + depth, count: block * channels)
            }
        }
    }

    /// Calls `body` for each row of each block: where it starts in the map, and where among the gathered channels.
    private func visit(_ body: @Sendable (Int, Int) -> Void) {
        let run = block * channels
        Threads.forEachSlice(of: batch * height, minimum: Grain.rows(of: width * block * run)) { range in
            for line in range {
                for dy in 0..<block {
                    for column in 0..<width {
                        body(((line * block + dy) * width + column) * run, ((line * width + column) * block + dy) * run)
                    }
                }
            }
        }
    }
}
