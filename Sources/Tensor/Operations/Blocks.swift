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
