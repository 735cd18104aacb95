package import Imaging

/// The part of an image on which a box is answered, for a model that was trained to look closer
/// (`Configuration.focusedBoxes`).
///
/// A box says where to look, so nothing of the input need be spent on the rest of the image: the square shows the box and
/// as much again around it. A small object is then drawn with as many cells as a large one. It costs a pass of the encoder
/// for each such box; a large box is answered on the whole image. What is not a box is looked at closely once it has an answer: see
/// ``Inquiry``. The twin is `focused_window` in scripts/pretraining/evaluate.py.
package enum Focus {
    /// The window's side over the longer side of the box.
    package static let reach: Float = 2
    /// The least side of a window, in pixels: enlarging fewer shows nothing new.
    private static let leastSide: Float = 24
    /// A window that is longer than this share of the image's long side shows hardly less than the image.
    private static let worthwhile: Float = 0.85

    /// The part of an image of `width` by `height` pixels on which `prompt` is answered; nil: all of it.
    ///
    /// A prompt with a mask is answered on all of the image, as its logits cover that; so is one with a point beyond the
    /// window.
    package static func window(
        for prompt: Prompt, width: Int, height: Int, model: Configuration
    ) -> PixelBox? {
        guard
            model.focusedBoxes == true, let box = prompt.box, prompt.maskLogits == nil,
            let window = window(about: box, width: width, height: height)
        else { return nil }
        let isSeen = prompt.points.allSatisfy { point in
            point.x >= Float(window.x0) && point.x <= Float(window.x1)
                && point.y >= Float(window.y0) && point.y <= Float(window.y1)
        }
        return isSeen ? window : nil
    }

    /// The square about `box` whose side is `reach` times its longer side, moved inside the image; nil when that would show
    /// hardly less than all of it.
    package static func window(about box: Prompt.Box, reach: Float = reach, width: Int, height: Int) -> PixelBox? {
        let side = max(leastSide, reach * max(box.x1 - box.x0 + 1, box.y1 - box.y0 + 1)).rounded()
        guard side <= worthwhile * Float(max(width, height)) else { return nil }
        let (x, columns) = span(middle: (box.x0 + box.x1 + 1) / 2, side: Int(side), limit: width)
        let (y, rows) = span(middle: (box.y0 + box.y1 + 1) / 2, side: Int(side), limit: height)
        return PixelBox(x0: x, y0: y, x1: x + columns - 1, y1: y + rows - 1)
    }

    /// `side` pixels about `middle`, moved inside the image, and no more than it has.
    private static func span(middle: Float, side: Int, limit: Int) -> (start: Int, count: Int) {
        let count = min(side, limit)
        let start = Int((middle - Float(count) / 2).rounded())
        return (min(max(start, 0), limit - count), count)
    }
}
