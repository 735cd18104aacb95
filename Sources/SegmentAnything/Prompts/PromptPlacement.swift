/// Where a prompt lies on the resized image, in its pixels, whose middles are whole numbers.
///
/// SAM was trained with coordinates that are multiplied, and no more: the pixel i of the original goes to f·i. That is not where it lies once the
/// image is resized, which is from f·i to f·(i + 1), with its middle at f·(i + ½) - ½. Where images are scaled down, as SAM's are, nobody sees the
/// difference. Where a small object fills the view, f is 5 or 10, and a box would end nine pixels before its object does. A model that was trained
/// to see its prompts drawn was shown them where they lie on the resized mask, so that is where it gets them (docs/decisions/0027).
package struct PromptPlacement {
    private let geometry: ImageGeometry
    private let isCentred: Bool

    package init(_ geometry: ImageGeometry, _ model: Configuration) {
        self.geometry = geometry
        isCentred = model.drawnPrompts == true
    }

    /// Of a point of the original image.
    package func point(x: Float, y: Float) -> (x: Float, y: Float) {
        guard isCentred else { return geometry.mapped(x: x, y: y) }
        let (x, y) = geometry.mapped(x: x + 0.5, y: y + 0.5)
        return (x - 0.5, y - 0.5)
    }

    /// The corners of a box, inclusive like those of the original.
    package func box(_ box: Prompt.Box) -> Prompt.Box {
        guard isCentred else {
            let (first, last) = (geometry.mapped(x: box.x0, y: box.y0), geometry.mapped(x: box.x1, y: box.y1))
            return Prompt.Box(x0: first.x, y0: first.y, x1: last.x, y1: last.y)
        }
        let edges = edges(box)
        return Prompt.Box(x0: edges.x0, y0: edges.y0, x1: edges.x1 - 1, y1: edges.y1 - 1)
    }

    /// The edges of a box: where its first pixels begin and its last ones end, counted from the edge of the resized image.
    package func edges(_ box: Prompt.Box) -> Prompt.Box {
        let (first, last) = (geometry.mapped(x: box.x0, y: box.y0), geometry.mapped(x: box.x1 + 1, y: box.y1 + 1))
        return Prompt.Box(x0: first.x, y0: first.y, x1: last.x, y1: last.y)
    }
}
