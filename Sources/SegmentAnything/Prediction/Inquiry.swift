package import Imaging
import Tensor

/// A prompt on its way to its answer: on which part of the image it is asked next, and with what.
///
/// A box says where to look (``Focus``), points do not. So a model that looks closely at boxes answers points on the whole image, and
/// once more on the part about what it found there.
///
/// Points may be known from the start, or be clicks that came one after the other, each where the answer before was wrong. The
/// second is worth more, as the answer before may then be given as mask prompt, and it shows: every point contradicts the
/// answer to those before it. So points are taken for clicks, each asked together with those before it and with their answer, on the part
/// of the image about that, until one finds itself agreed with. Then all are asked at once.
///
/// Who asks is left open, because some keep embeddings to themselves and others share them:
///
///     while !inquiry.isLast { inquiry.take(predictor.answer(inquiry, on: embedding of inquiry.window)) }
///
/// A step costs a decode, and an encoder pass where nobody has looked at its part of the image yet. Adapters are asked at once: they were
/// taught so. An answer that turns out thin is drawn anew: see ``Closeup``.
package struct Inquiry: Sendable {
    /// What is asked next.
    package private(set) var prompt: Prompt
    /// The part of the image that it is asked on; nil: all of it.
    package private(set) var window: PixelBox?
    /// Whether the next answer is the answer.
    package private(set) var isLast: Bool
    /// Whether the next answer only tells where to look closer.
    package var isLooking: Bool { !isLast && !hasLookedClosely }
    /// Points that have not been asked yet, in their order.
    private var later: ArraySlice<Prompt.Point> = []
    private var hasLookedClosely = false
    private let width: Int
    private let height: Int
    private let model: Configuration

    /// Clicks that are replayed one after the other at most: of more, all are asked at once.
    package static let replayed = 12
    /// How far an answer is believed that a click has contradicted: its logits are multiplied by this.
    private static let belief: Float = 0.5

    /// - Parameters:
    ///   - width: Of the original image, in pixels, as `height`.
    ///   - isAdapted: Whether an adapter answers.
    package init(
        _ prompt: Prompt, width: Int, height: Int, model: Configuration, isAdapted: Bool
    ) throws(PromptError) {
        try prompt.check(width: width, height: height, logitsSide: model.logitsSide)
        (self.width, self.height, self.model) = (width, height, model)
        self.prompt = prompt
        let hasOnlyPoints = prompt.box == nil && prompt.maskLogits == nil
        guard !isAdapted, model.focusedBoxes == true, hasOnlyPoints,
            let foreground = prompt.points.firstIndex(where: \.isForeground)
        else {
            window = Focus.window(for: prompt, width: width, height: height, model: model)
            isLast = true
            return
        }
        isLast = false
        guard prompt.points.count <= Inquiry.replayed else { return }
        // What is not the object says nothing about where it is.
        self.prompt.points = Array(prompt.points[...foreground])
        later = prompt.points[(foreground + 1)...]
    }

    /// Goes on to the next step.
    ///
    /// - Parameter answer: To ``prompt`` on ``window``: see ``Predictor/answer(_:on:)``.
    package mutating func take(_ answer: MaskPrediction) {
        precondition(!isLast, "an answer to the last question is the answer")
        if !hasLookedClosely {
            hasLookedClosely = true
            window = window(about: answer.extent(touching: prompt.points))
            isLast = later.isEmpty
            return
        }
        let click = later.removeFirst()
        prompt.points.append(click)
        if agrees(answer, with: click) {
            prompt = Prompt(points: prompt.points + later)
            (window, later, hasLookedClosely) = (nil, [], false)
            return
        }
        window = window(about: answer.extent())
        let geometry = ImageGeometry(width: width, height: height, window: window, side: model.imageSize)
        let shown = answer.maskLogits(on: geometry, side: model.logitsSide)
        prompt.maskLogits = scale(Value(shown), by: Inquiry.belief).tensor
        isLast = later.isEmpty
    }

    /// Whether an answer says of a place what the click there says.
    private func agrees(_ answer: MaskPrediction, with click: Prompt.Point) -> Bool {
        let logit = answer.logit(at: click) ?? MaskPrediction.outside
        return (logit > 0) == click.isForeground
    }

    /// The part of the image about an answer and the points; nil: hardly less than all of it, or nothing was found.
    private func window(about extent: Prompt.Box?) -> PixelBox? {
        guard var about = extent else { return nil }
        for point in prompt.points {
            (about.x0, about.x1) = (min(about.x0, point.x), max(about.x1, point.x))
            (about.y0, about.y1) = (min(about.y0, point.y), max(about.y1, point.y))
        }
        return Focus.window(about: about, width: width, height: height)
    }
}
