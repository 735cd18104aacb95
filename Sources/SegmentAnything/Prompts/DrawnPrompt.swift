import Glibc
package import Tensor

/// Points and boxes drawn into the mask prompt, for a model that was trained to see them there
/// (`Configuration.drawnPrompts`).
///
/// SAM tells the decoder where a prompt is by the sines and cosines of its tokens alone. A network that was trained for
/// hours rather than for a thousand processor-years finds a place on a map much sooner. The map is SAM's own mask
/// prompt, so neither the network nor its file differs from SAM's. The twin is `drawn` in scripts/pretraining/model.py.
package enum DrawnPrompt {
    /// Logits in the middle of a box.
    private static let boxHeight: Float = 4
    /// The least that is drawn, far outside a box.
    static let floor: Float = -8
    /// What a point adds or takes where it lies; its bump is this part of the image wide (standard deviation).
    private static let pointHeight: Float = 6
    private static let pointSpread: Float = 1 / 32

    /// The mask prompt that shows the whole prompt, `[4g, 4g]`; nil when nothing was said.
    ///
    /// It starts from the prompt's own mask if there is one, else from the ellipse inscribed in the box (0 on its edge),
    /// else from 0. Each point then adds a bump, or takes one away if it is background.
    package static func logits(_ prompt: Prompt, geometry: ImageGeometry, model: Configuration) -> Tensor? {
        guard prompt != .none else { return nil }
        let side = model.logitsSide
        let cell = Float(model.imageSize) / Float(side)
        let placement = PromptPlacement(geometry, model)
        let centres = (0..<side).map { (Float($0) + 0.5) * cell - 0.5 }  // in pixels of the padded input
        return Tensor(shape: [side, side]) { map in
            if let mask = prompt.maskLogits {
                mask.withUnsafeElements { _ = map.update(fromContentsOf: $0) }
            } else if let box = prompt.box {
                draw(placement.box(box), centres: centres, cell: cell, into: map)
            } else {
                map.update(repeating: 0)
            }
            let spread = 2 * (Float(model.imageSize) * pointSpread) * (Float(model.imageSize) * pointSpread)
            for point in prompt.points { draw(point, placement, centres: centres, spread: spread, into: map) }
        }
    }

    private static func draw(
        _ box: Prompt.Box, centres: [Float], cell: Float, into map: UnsafeMutableBufferPointer<Float>
    ) {
        /// Squared distances from the middle, in half sides. A side is never thinner than a cell, so none is lost.
        func distances(_ low: Float, _ high: Float) -> [Float] {
            let (middle, half) = ((low + high) / 2, max((high - low + 1) / 2, cell))
            return centres.map { ($0 - middle) / half * (($0 - middle) / half) }
        }
        let (across, down) = (distances(box.x0, box.x1), distances(box.y0, box.y1))
        for y in centres.indices {
            for x in centres.indices {
                map[y * centres.count + x] = max(boxHeight * (1 - (across[x] + down[y])), floor)
            }
        }
    }

    private static func draw(
        _ point: Prompt.Point, _ placement: PromptPlacement, centres: [Float], spread: Float,
        into map: UnsafeMutableBufferPointer<Float>
    ) {
        let place = placement.point(x: point.x, y: point.y)
        let across = centres.map { expf(-($0 - place.x) * ($0 - place.x) / spread) }
        let down = centres.map { expf(-($0 - place.y) * ($0 - place.y) / spread) }
        let height = point.isForeground ? pointHeight : -pointHeight
        for y in centres.indices {
            for x in centres.indices { map[y * centres.count + x] += height * down[y] * across[x] }
        }
    }
}
