package import Imaging
import Tensor

/// A closer look at an answer that is too thin for the cells it is drawn in, such as vessels.
///
/// The model draws its mask in cells, 128 a side for the embedded one, whatever the image's size. Lines of a cell's width are found, but not
/// drawn. So the part of the image that was asked about is looked at once more in overlapping squares, each asked for what the answer shows there: half
/// its logits are the mask prompt, and the points that lie there go with it. The squares' answers are put together as those of tiles are (``Mosaic``),
/// but in cells a quarter as long: they then take the same memory for every image. See docs/decisions/0023.
///
///     while let question = closeup.question { closeup.take(answer of question.prompt on question.window) }
///
/// For a model that looks closely (`Configuration.focusedBoxes`) and has no adapter: one for thin objects answers in tiles by itself.
package struct Closeup: Sendable {
    /// Squares at most: each costs a pass of the encoder.
    package static let limit = 16
    /// How far an answer is believed that is too coarse: its logits are multiplied by this.
    private static let belief: Float = 0.5
    /// Cells to each of the answer's, along either axis.
    private static let fineness = 4

    private var questions: ArraySlice<(prompt: Prompt, window: PixelBox)>
    /// The part of the image that was asked about, in the fine cells.
    private let canvas: ImageGeometry
    private let index: Int
    /// Of the squares' logits, each weighted by how far a cell lies from its square's edges; row-major.
    private var sums: [Float]
    private var weights: [Float]
    /// Of the squares' predicted IoU by the area that they draw.
    private var quality: (sum: Float, area: Float) = (0, 0)

    /// Nil when the answer is compact, or when the image is no finer than the model has seen it.
    ///
    /// - Parameters:
    ///   - answer: To `prompt`, which may have been asked on a part of the image.
    ///   - predictor: Whose answer it is.
    package init?(of answer: MaskPrediction, to prompt: Prompt, by predictor: Predictor) {
        let (model, seen) = (predictor.model.configuration, answer.geometry)
        guard model.focusedBoxes == true, !predictor.isAdapted,
            max(seen.window.width, seen.window.height) > model.imageSize, answer.isThin
        else { return nil }
        let found = Prompt(points: prompt.points)
        questions = []
        for window in Closeup.windows(in: seen.window, side: model.imageSize) {
            let geometry = ImageGeometry(
                width: seen.originalWidth, height: seen.originalHeight, window: window, side: model.imageSize)
            let shown = answer.maskLogits(on: geometry, side: model.logitsSide)
            // Where nothing was found there is nothing to draw.
            guard shown.elements.contains(where: { $0 > 0 }) else { continue }
            var part = Tiling.part(of: found, mask: nil, in: window, model: model)
            part.maskLogits = scale(Value(shown), by: Closeup.belief).tensor
            questions.append((part, window))
        }
        guard !questions.isEmpty else { return nil }
        canvas = ImageGeometry(
            width: seen.originalWidth, height: seen.originalHeight, window: seen.window,
            side: Closeup.fineness * model.logitsSide)
        index = answer.index
        sums = [Float](repeating: 0, count: canvas.side * canvas.side)
        weights = sums
    }

    /// Overlapping squares that show all of `view`: as large as the model's input, or larger where it takes too many of those. None where
    /// they would be larger than tiles are.
    private static func windows(in view: PixelBox, side: Int) -> [PixelBox] {
        let tiling = Tiling(side: side)
        let needed = tiling.side(width: view.width, height: view.height, limit: limit)
        guard Tiling.sides.contains(needed) else { return [] }
        return tiling.windows(width: view.width, height: view.height, limit: limit).map { window in
            PixelBox(
                x0: view.x0 + window.x0, y0: view.y0 + window.y0, x1: view.x0 + window.x1, y1: view.y0 + window.y1)
        }
    }

    /// What the answers to so many prompts on an image may take, in bytes: their logits and those before, and what it takes to make one
    /// after the other.
    package static func byteCount(prompts: Int, width: Int, height: Int, model: Configuration) -> Int {
        guard model.focusedBoxes == true, max(width, height) > model.imageSize else { return 0 }
        let side = fineness * model.logitsSide
        return (5 + 2 * prompts) * side * side * MemoryLayout<Float>.stride
    }

    /// Squares that are still to be asked.
    package var count: Int { questions.count }

    /// What is asked next; nil: all is answered.
    package var question: (prompt: Prompt, window: PixelBox)? { questions.first }

    /// Goes on to the next square.
    ///
    /// - Parameter answer: To the prompt of ``question`` on its window, `[4g, 4g]`.
    package mutating func take(_ answer: MaskPrediction) {
        guard let question = questions.popFirst() else { preconditionFailure("nothing was asked") }
        let side = canvas.side
        let logits = answer.maskLogits(on: canvas, side: side)
        let perPixel = Float(canvas.resizedWidth) / Float(canvas.window.width)
        let perLine = Float(canvas.resizedHeight) / Float(canvas.window.height)
        let columns = Closeup.fade(
            question.window.x0 - canvas.window.x0, question.window.width, perPixel, count: canvas.resizedWidth)
        let rows = Closeup.fade(
            question.window.y0 - canvas.window.y0, question.window.height, perLine, count: canvas.resizedHeight)
        var area: Float = 0
        logits.withUnsafeElements { logits in
            for (y, row) in rows.enumerated() where row > 0 {
                for (x, column) in columns.enumerated() where column > 0 {
                    let (place, weight) = (y * side + x, row * column)
                    sums[place] += weight * logits[place]
                    weights[place] += weight
                    if logits[place] > 0 { area += weight }
                }
            }
        }
        quality.sum += area * answer.predictedIoU
        quality.area += area
    }

    /// For each cell how far it lies from the ends of a square, 1 in its middle; nowhere 0 within it.
    private static func fade(_ start: Int, _ length: Int, _ perPixel: Float, count: Int) -> [Float] {
        (0..<count).map { cell in
            let place = (Float(cell) + 0.5) / perPixel - Float(start)
            guard place >= 0, place <= Float(length) else { return 0 }
            return (2 * min(place, Float(length) - place) + 1) / Float(length + 1)
        }
    }

    /// The answer, `[16g, 16g]` over what was asked about: background where no square was asked.
    package var answer: MaskPrediction {
        precondition(questions.isEmpty, "not all is answered")
        let logits = Tensor(shape: [canvas.side, canvas.side]) { logits in
            logits.update(repeating: MaskPrediction.outside)
            for (place, weight) in weights.enumerated() where weight > 0 { logits[place] = sums[place] / weight }
        }
        return MaskPrediction(
            lowResolutionLogits: logits, predictedIoU: quality.area > 0 ? quality.sum / quality.area : 0, index: index,
            geometry: canvas)
    }
}
